#pragma once

#include <cstddef>
#include <cstdint>

namespace tpx::exposition {

/// Room that any function of this page needs at `out`. All return the end of what they wrote and write no terminator.
inline constexpr std::size_t kMaxNumber = 96;

/// `value` in the fewest digits that read back as the same double, in the form of Go's strconv 'g' (1e+06, 1e-05,
/// 0.0001), which is what OpenMetrics asks of `le` and what Prometheus compares with; NaN, +Inf, -Inf.
[[nodiscard]] char* write_double(char* out, double value);

/// The same with `.0` where there is neither point nor exponent: OpenMetrics' canonical floats.
[[nodiscard]] char* write_canonical_double(char* out, double value);

/// Writes kernel integers times a fixed scale. The scale is taken as the decimal number that it is written as, and the
/// product is exact: 3 * 0.001 reads 0.003, and nanoseconds as seconds keep all nine digits, which a double would not.
/// Scales that have no such form within 128 bits (1e-40) go through doubles. Immutable; thread-safe.
class ScaledText {
 public:
  explicit ScaledText(double scale);

  [[nodiscard]] char* write(char* out, std::uint64_t value) const;
  [[nodiscard]] char* write_signed(char* out, std::int64_t value) const;
  /// A 128-bit two's complement number: a histogram's sum.
  [[nodiscard]] char* write_wide(char* out, std::uint64_t low, std::uint64_t high) const;

 private:
  double scale_;
  std::uint64_t multiplier_ = 1;  ///< scale = multiplier / 10^decimals; 0: not so, use doubles
  unsigned decimals_ = 0;
};

}  // namespace tpx::exposition
