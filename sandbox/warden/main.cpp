// The parent of everything that one Evaluator starts. Arguments: the folder of the helper executables.
// Descriptor 3 is the first client's socket.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "sandbox/warden/messages.h"
#include "sandbox/warden/server.h"

int main(int count, char** arguments) {
  using namespace crucible;
  ::syscall(SYS_close_range, kWardenClientDescriptor + 1, ~0u, 0);  // whatever the trainer left inheritable
  ::fcntl(kWardenClientDescriptor, F_SETFD, FD_CLOEXEC);
  ::setsid();  // a Ctrl-C at the trainer's terminal is the trainer's affair
  ::umask(022);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, "crucible-warden", 0, 0, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);

  FileDescriptor client(kWardenClientDescriptor);
  if (count < 2) {
    std::fprintf(stderr, "crucible-warden: started by crucible, with the folder of its helpers\n");
    return 2;
  }
  FileDescriptor spare(::fcntl(client.get(), F_DUPFD_CLOEXEC, 10));
  try {
    const char* level = std::getenv("CRUCIBLE_SANDBOX_LEVEL");  // for tests: lowers, never raises
    WardenServer server(std::move(client), arguments[1], level != nullptr ? level : "");
    spare.reset();  // from here on only the server's copy keeps the connection
    server.run();
  } catch (const std::exception& error) {
    // The first question is answered with the reason, so that launch() can name it.
    Channel channel(std::move(spare));
    if (auto question = channel.receive(std::chrono::seconds(5))) channel.send(question->id, kError, error.what());
    return 1;
  }
  return 0;
}
