#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tpx::kernel {

/// An integer type of C as this machine has it.
struct CType {
  std::uint32_t size = 0;  ///< in bytes
  bool is_signed = false;
};

/// The type that a format file, a print format or the declaration of a system call names, without `const`, such as
/// `unsigned int`, `__u16`, `pid_t`; nothing for pointers and for names that are not known.
[[nodiscard]] std::optional<CType> c_type(std::string_view name);

}  // namespace tpx::kernel
