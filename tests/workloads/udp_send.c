/* Sends COUNT datagrams of SIZE bytes of payload to the IPv4 ADDRESS and PORT. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const char* usage = "COUNT SIZE ADDRESS PORT";
  const long count = number_argument(argc, argv, 1, usage);
  const long size = number_argument(argc, argv, 2, usage);
  const long port = number_argument(argc, argv, 4, usage);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  char more[48];
  if (size > 65507 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
    fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    return 2;
  }
  char* payload = calloc(1, (size_t)size);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (payload == NULL || fd < 0) {
    give_up("socket");
  }
  wait_for_go();
  for (long i = 0; i < count; i++) {
    if (sendto(fd, payload, (size_t)size, 0, (const struct sockaddr*)&to, sizeof to) != size) {
      give_up("sendto");
    }
  }
  snprintf(more, sizeof more, "\"bytes\": %ld", count * size);
  report(count, more);
  free(payload);
  close(fd);
  return 0;
}
