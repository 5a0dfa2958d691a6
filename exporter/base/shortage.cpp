#include "base/shortage.h"

#include <fcntl.h>

#include <cerrno>

namespace tpx {

bool is_shortage(const Error& error) {
  const int code = error.os_error.value_or(0);
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == EAGAIN || code == ENOBUFS;
}

Result<UniqueFd> duplicate(const UniqueFd& descriptor) {
  if (!descriptor.valid()) {
    return UniqueFd();
  }
  UniqueFd copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return fail(os_failure("can't duplicate a descriptor", errno));
  }
  return copy;
}

}  // namespace tpx
