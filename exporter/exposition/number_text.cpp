#include "exposition/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace tpx::exposition {
namespace {

__extension__ using uint128 = unsigned __int128;

char* write_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_integer(char* out, std::uint64_t value) {
  return std::to_chars(out, out + 20, value).ptr;  // the digits of 2^64
}

char* write_integer(char* out, uint128 value) {
  constexpr std::uint64_t kNineteen = 10'000'000'000'000'000'000U;
  if ((value >> 64U) == 0) {
    return write_integer(out, static_cast<std::uint64_t>(value));
  }
  char* end = write_integer(out, value / kNineteen);
  char digits[24];
  const char* digits_end = write_integer(digits, static_cast<std::uint64_t>(value % kNineteen));
  const auto count = static_cast<std::size_t>(digits_end - digits);
  end = std::fill_n(end, 19 - count, '0');
  return write_text(end, {digits, count});
}

/// value / 10^decimals
template <class Integer>
char* write_decimal(char* out, Integer value, unsigned decimals) {
  if (decimals == 0 || value == 0) {
    return write_integer(out, value);
  }
  char digits[48];
  const char* end = write_integer(digits, value);
  auto count = static_cast<std::size_t>(end - digits);
  std::size_t fraction = decimals;
  while (fraction > 0 && digits[count - 1] == '0') {
    --count;
    --fraction;
  }
  if (fraction == 0) {
    const std::size_t whole = static_cast<std::size_t>(end - digits) - decimals;
    return write_text(out, {digits, whole});
  }
  if (count <= fraction) {
    out = write_text(out, "0.");
    out = std::fill_n(out, fraction - count, '0');
    return write_text(out, {digits, count});
  }
  out = write_text(out, {digits, count - fraction});
  *out++ = '.';
  return write_text(out, {digits + count - fraction, fraction});
}

/// The decimal digits and exponent of a finite positive double: 0.d1d2d3… * 10^point.
struct Decimal {
  char digits[24];
  std::size_t count = 0;
  int point = 0;
};

Decimal decimal_of(double value) {
  Decimal decimal;
  char text[40];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* exponent = std::find(static_cast<const char*>(text), end, 'e');
  for (const char* at = text; at != exponent; ++at) {
    if (*at != '.') {
      decimal.digits[decimal.count++] = *at;
    }
  }
  const char* number = exponent + (exponent[1] == '+' ? 2 : 1);
  std::from_chars(number, end, decimal.point);
  ++decimal.point;
  return decimal;
}

char* write_scientific(char* out, const Decimal& decimal) {
  *out++ = decimal.digits[0];
  if (decimal.count > 1) {
    *out++ = '.';
    out = write_text(out, {decimal.digits + 1, decimal.count - 1});
  }
  const int exponent = decimal.point - 1;
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  const auto size = static_cast<unsigned>(std::abs(exponent));
  if (size < 10) {
    *out++ = '0';
  }
  return write_integer(out, std::uint64_t{size});
}

char* write_fixed(char* out, const Decimal& decimal) {
  if (decimal.point <= 0) {
    out = write_text(out, "0.");
    out = std::fill_n(out, -decimal.point, '0');
    return write_text(out, {decimal.digits, decimal.count});
  }
  const auto whole = static_cast<std::size_t>(decimal.point);
  out = write_text(out, {decimal.digits, std::min(whole, decimal.count)});
  if (decimal.count <= whole) {
    return std::fill_n(out, whole - decimal.count, '0');
  }
  *out++ = '.';
  return write_text(out, {decimal.digits + whole, decimal.count - whole});
}

char* write_special(char* out, double value) {
  if (std::isnan(value)) {
    return write_text(out, "NaN");
  }
  return write_text(out, value > 0 ? "+Inf" : "-Inf");
}

}  // namespace

char* write_double(char* out, double value) {
  if (!std::isfinite(value)) {
    return write_special(out, value);
  }
  if (std::signbit(value)) {
    *out++ = '-';
    value = -value;
  }
  if (value == 0) {
    return write_text(out, "0");
  }
  const Decimal decimal = decimal_of(value);
  const int exponent = decimal.point - 1;
  // As strconv.FormatFloat(value, 'g', -1, 64) decides between the two forms.
  return exponent < -4 || exponent >= 6 ? write_scientific(out, decimal) : write_fixed(out, decimal);
}

char* write_canonical_double(char* out, double value) {
  char* end = write_double(out, value);
  if (std::isfinite(value) && std::find_if(out, end, [](char c) { return c == '.' || c == 'e'; }) == end) {
    end = write_text(end, ".0");
  }
  return end;
}

ScaledText::ScaledText(double scale) : scale_(scale) {
  constexpr int kMostDecimals = 30;
  constexpr std::uint64_t kMostMultiplier = std::uint64_t{1} << 62U;
  multiplier_ = 0;
  if (!std::isfinite(scale) || scale <= 0) {
    return;
  }
  const Decimal decimal = decimal_of(scale);
  int decimals = static_cast<int>(decimal.count) - decimal.point;
  std::uint64_t multiplier = 0;
  std::from_chars(decimal.digits, decimal.digits + decimal.count, multiplier);
  for (; decimals < 0 && multiplier <= kMostMultiplier / 10; ++decimals) {
    multiplier *= 10;
  }
  if (decimals < 0 || decimals > kMostDecimals) {
    return;
  }
  multiplier_ = multiplier;
  decimals_ = static_cast<unsigned>(decimals);
}

char* ScaledText::write(char* out, std::uint64_t value) const {
  std::uint64_t product = 0;
  if (multiplier_ == 0) {
    return write_double(out, static_cast<double>(value) * scale_);
  }
  if (__builtin_mul_overflow(value, multiplier_, &product)) {
    return write_decimal(out, uint128{value} * multiplier_, decimals_);
  }
  return write_decimal(out, product, decimals_);
}

char* ScaledText::write_signed(char* out, std::int64_t value) const {
  if (value >= 0) {
    return write(out, static_cast<std::uint64_t>(value));
  }
  if (multiplier_ == 0) {
    return write_double(out, static_cast<double>(value) * scale_);
  }
  *out++ = '-';
  return write(out, 0 - static_cast<std::uint64_t>(value));
}

char* ScaledText::write_wide(char* out, std::uint64_t low, std::uint64_t high) const {
  uint128 value = (uint128{high} << 64U) | low;
  const bool negative = (high >> 63U) != 0;
  if (negative) {
    value = 0 - value;
  }
  uint128 product = 0;
  if (multiplier_ == 0 || __builtin_mul_overflow(value, uint128{multiplier_}, &product)) {
    const double magnitude = static_cast<double>(value) * scale_;
    return write_double(out, negative ? -magnitude : magnitude);
  }
  if (negative) {
    *out++ = '-';
  }
  return write_decimal(out, product, decimals_);
}

}  // namespace tpx::exposition
