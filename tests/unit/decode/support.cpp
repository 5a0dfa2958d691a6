#include "unit/decode/support.h"

#include <sys/stat.h>

namespace tpx::decode::test {

std::uint64_t inode(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    throw std::runtime_error("no such directory: " + path);
  }
  return status.st_ino;
}

}  // namespace tpx::decode::test
