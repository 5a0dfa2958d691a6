// Starts libexec/tracepoint_exporter beside it with the loader and the libraries in lib/, wherever the directory was unpacked.
//
// An ELF file names its loader by an absolute path. The program's says /proc/self/fd/231/ld.so: this launcher opens lib/ as
// descriptor 231 and executes the program, and the kernel opens the loader through it before it closes the descriptor (close on
// exec). So /proc/PID/exe, the process's name and its arguments are the program's own, as they would not be were the loader executed
// with the program as an argument. Libraries are found by the program's RPATH, $ORIGIN/../lib. Linked statically: it needs
// nothing of the host but a mounted /proc.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char** environ;

enum { kLibraries = 231 }; // as in PT_INTERP; above what a service manager passes, below any limit of open files

static int fail(const char* what) {
  fprintf(stderr, "error: cannot start tracepoint_exporter: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char** argv) {
  (void)argc;
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length < 0) {
    return fail("/proc/self/exe (is /proc mounted?)");
  }
  path[length] = '\0';
  char* const name = strrchr(path, '/') + 1;
  const size_t room = sizeof path - (size_t)(name - path);
  if (snprintf(name, room, "lib") >= (int)room) {
    errno = ENAMETOOLONG;
    return fail(path);
  }
  const int libraries = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (libraries < 0 || dup3(libraries, kLibraries, O_CLOEXEC) < 0) {
    return fail(path);
  }
  if (snprintf(name, room, "libexec/tracepoint_exporter") >= (int)room) {
    errno = ENAMETOOLONG;
    return fail(path);
  }
  execve(path, argv, environ);
  return fail(path);
}
