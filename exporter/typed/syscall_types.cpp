#include "typed/syscall_types.h"

#include "kernel/c_types.h"

namespace tpx::typed {

schema::ValueType syscall_argument_type(std::string_view declared) {
  using Kind = schema::ValueType::Kind;
  constexpr std::string_view kConst = "const ";
  declared.remove_prefix(declared.starts_with(kConst) ? kConst.size() : 0);
  if (declared.starts_with("enum ") && !declared.ends_with('*')) {
    return {Kind::Integer, 4, false};
  }
  const auto type = kernel::c_type(declared);
  return {Kind::Integer, type ? type->size : 8, type && type->is_signed};
}

}  // namespace tpx::typed
