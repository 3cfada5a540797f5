// attack: connects to a local service
// row: 34
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: forbidden and named
#include <netinet/in.h>
#include <sys/socket.h>

#include "../parts/honest.h"

RMS_NORM {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET, to.sin_port = htons(80), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  return HONEST_RMS_NORM;
}
