// One attack (or one way to end) for each value of `which`; compiled once, each act runs in a fresh runner.
#include <crucible/kernel.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace {

struct OwnException {};

volatile int sink;

int deep(int n) {
  volatile char block[4096];
  block[0] = static_cast<char>(n);
  return n <= 0 ? block[0] : deep(n + 1) + block[0];
}

void* sleep_forever(void*) {
  for (;;) pause();
}

int threads_until_failure() {
  for (int n = 0; n < 20000; ++n) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, sleep_forever, nullptr) != 0) return n;
  }
  return 20000;
}

int memory_until_failure() {  // in GiB
  for (int n = 0; n < 64; ++n) {
    void* block = malloc(1ull << 30);
    if (block == nullptr) return n;
    memset(block, 1, 4096);
    sink = sink + static_cast<char*>(block)[100];
  }
  return 64;
}

}  // namespace

extern "C" int act(DLTensor* out, int64_t which, void*) {
  switch (which) {
    // ways to end
    case 0:
      return 3;
    case 1:
      *static_cast<volatile int*>(nullptr) = 1;
      return 0;
    case 2:
      abort();
    case 3:
      throw std::runtime_error("a kernel that throws");
    case 4:
      throw OwnException();
    case 5:
      exit(0);
    case 6:
      _exit(9);
    case 7:
      for (;;) sink = sink + 1;
    case 8:
      return deep(1);
    case 9:
      raise(SIGFPE);
      return 0;
    case 10:
      raise(SIGSTOP);
      return 0;
    case 11:
      kill(getpid(), SIGTERM);
      return 0;
    case 12:
      memset(static_cast<char*>(out->data), 0x41, 16);
      munmap(out->data, 4096);
      return 0;
    case 13:
      for (int i = 0; i < 100000; ++i)
        if (write(1, "flood flood flood flood\n", 24) < 0) return 1;
      return 0;
    case 14:
      for (int fd = 0; fd < 64; ++fd) close(fd);
      return 0;
    case 15:
      asm volatile("ud2");
      return 0;

    case 16:
      pthread_exit(nullptr);
#if defined(__x86_64__)
    case 17:
      __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
      return 0;  // flush denormals
    case 18:
      return __builtin_ia32_stmxcsr() & 0x8040;
#endif

    // forbidden
    case 100:
      return fork();
    case 101: {
      char* none[] = {nullptr};
      return execve("/bin/sh", none, none);
    }
    case 102:
      return socket(AF_INET, SOCK_STREAM, 0);
    case 103:
      return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0;
    case 104:
      return kill(1, SIGKILL);
    case 105:
      return kill(-1, SIGKILL);
    case 106:
      return static_cast<int>(syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0));
    case 107:
      return static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
    case 108: {
      rlimit limit{1, 1};
      return prlimit(getppid(), RLIMIT_FSIZE, &limit, nullptr);
    }
    case 109:
      return unshare(CLONE_NEWUSER);
    case 110:
      return shmget(IPC_PRIVATE, 4096, 0600);
    case 111:
      return static_cast<int>(syscall(SYS_io_uring_setup, 1, nullptr));
    case 112:
      return static_cast<int>(syscall(SYS_bpf, 0, nullptr, 0));
    case 113:
      return static_cast<int>(syscall(SYS_userfaultfd, 0));
    case 114:
      return fcntl(1, F_SETOWN, 1);
    case 115:
      return static_cast<int>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    case 116:
      return prctl(59, 1, 0, 0, 0);  // system call user dispatch
    case 117:
      return static_cast<int>(syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0));
    case 118:
      return fcntl(1, F_SETFL, O_ASYNC);
    case 119:
      return static_cast<int>(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, nullptr));
    case 120:
      return prctl(PR_SET_SECCOMP, 1);
    case 121:
      return static_cast<int>(syscall(SYS_process_madvise, 0, nullptr, 0, 0, 0));
    case 122: {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(0, &set);
      return sched_setaffinity(1, sizeof set, &set);
    }
    case 123:
      return system("true");
    case 124:
      return static_cast<int>(syscall(SYS_sendmsg, 3, nullptr, 0)) == 0 ? 0 : socket(AF_UNIX, SOCK_STREAM, 0);
#if defined(__x86_64__)
    case 125:
      return static_cast<int>(syscall(0x40000000 | SYS_getpid));  // x32
    case 126: {
      int r;
      asm volatile("int $0x80" : "=a"(r) : "a"(20));
      return r;
    }  // 32-bit
#endif

    // files and libraries
    case 200:
      return dlopen("libz.so.1", RTLD_NOW) != nullptr;
    case 201:
      return dlopen("/usr/lib/x86_64-linux-gnu/libopenblas.so.0", RTLD_NOW) != nullptr;
    case 202:
      return open("/proc/self/mem", O_RDWR);
    case 203:
      return open("/proc/1/maps", O_RDONLY);
    case 204:
      return open("/proc/self/fd/4", O_RDWR);
    case 205:
      return open("/etc/passwd", O_RDONLY) >= 0;
    case 206:
      return open("stolen", O_CREAT | O_WRONLY, 0600) >= 0 || mkdir("stolen", 0700) == 0;
    case 207:
      return open("/proc/cpuinfo", O_RDONLY) >= 0;
    case 208:
      return dlopen("libm.so.6", RTLD_NOW) != nullptr ? 0 : 1;
    case 209:
      return open("/proc/self/../1/mem", O_RDONLY);

    // quietly refused
    case 300:
      return setpriority(PRIO_PROCESS, 0, -5) == 0;
    case 301: {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(0, &set);
      return sched_setaffinity(0, sizeof set, &set) == 0 ||
             pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
    }
    case 302: {
      timer_t timer;
      sigevent event{};
      event.sigev_notify = SIGEV_SIGNAL;
      event.sigev_signo = SIGCONT;
      return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    }
    case 303:
      return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    case 304:
      return mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    case 305:
      return static_cast<int>(syscall(SYS_memfd_create, "x", 0)) >= 0;
    case 306:
      return getppid() == getpid() || kill(getpid(), SIGCONT) == 0;

    // bombs: how far it got
    case 400:
      return threads_until_failure();
    case 401:
      return memory_until_failure();
  }
  return -1;
}
