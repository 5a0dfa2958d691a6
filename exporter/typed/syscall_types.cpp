#include "typed/syscall_types.h"

#include <algorithm>
#include <array>

namespace tpx::typed {

schema::ValueType syscall_argument_type(std::string_view declared) {
  constexpr std::array<std::string_view, 11> kSigned32{"int",   "pid_t", "clockid_t",    "timer_t", "mqd_t",  "key_t",
                                                       "rwf_t", "s32",   "key_serial_t", "__s32",   "int32_t"};
  constexpr std::array<std::string_view, 8> kUnsigned32{"unsigned int", "unsigned", "u32",   "__u32",
                                                        "uid_t",        "gid_t",    "qid_t", "uint32_t"};
  constexpr std::array<std::string_view, 4> kSigned64{"long", "loff_t", "off_t", "__s64"};
  constexpr std::string_view kConst = "const ";
  if (declared.starts_with(kConst)) {
    declared.remove_prefix(kConst.size());
  }
  const auto is_among = [&](const auto& names) {
    return std::find(names.begin(), names.end(), declared) != names.end();
  };
  using Kind = schema::ValueType::Kind;
  if (is_among(kSigned32)) {
    return {Kind::Integer, 4, true};
  }
  if (is_among(kUnsigned32) || (declared.starts_with("enum ") && !declared.ends_with('*'))) {
    return {Kind::Integer, 4, false};
  }
  if (declared == "umode_t") {
    return {Kind::Integer, 2, false};
  }
  return {Kind::Integer, 8, is_among(kSigned64)};
}

}  // namespace tpx::typed
