#pragma once

#include <string>

namespace tpx::test {

/// An exact decimal number: a sign, a natural number of any length, a power of ten.
class Decimal {
 public:
  /// `-12`, `0.001`, `1.5e-07`: as YAML and C++ write numbers. Throws std::runtime_error on others.
  explicit Decimal(const std::string& text);

  [[nodiscard]] Decimal operator*(const Decimal& other) const;
  [[nodiscard]] bool operator<=(const Decimal& other) const;

 private:
  bool negative_ = false;
  std::string digits_;  ///< without zeros in front; empty: 0
  int exponent_ = 0;    ///< of the last digit
};

}  // namespace tpx::test
