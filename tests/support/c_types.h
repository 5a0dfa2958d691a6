#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct btf;

namespace tpx::test {

struct CInteger {
  std::uint32_t size = 0;  ///< bytes
  bool is_signed = false;
  bool operator==(const CInteger&) const = default;
};

/// C types by name as a recorded kernel has them: the words of the language, and by libbpf the kernel's typedefs and enums.
/// Knows none of the product's tables. Thread-safe once made.
class CTypes {
 public:
  /// Throws std::runtime_error when the file is no BTF.
  explicit CTypes(const std::string& btf_file);

  /// A scalar: an integer, an enum, a pointer (unsigned). Throws std::runtime_error on others.
  [[nodiscard]] CInteger scalar(const std::string& declared) const;

 private:
  std::shared_ptr<btf> btf_;
};

}  // namespace tpx::test
