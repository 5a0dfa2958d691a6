#include "base/error.h"

#include <system_error>

namespace tpx {

Error os_failure(std::string message, int code, std::string hint) {
  message += ": ";
  message += std::generic_category().message(code);
  return Error{std::move(message), std::move(hint), {}, code};
}

}  // namespace tpx
