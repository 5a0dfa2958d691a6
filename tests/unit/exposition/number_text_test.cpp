#include "exposition/number_text.h"

#include <limits>
#include <string>

#include "catch.h"

namespace tpx::exposition {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::string text(double value) {
  char out[kMaxNumber];
  return {out, write_double(out, value)};
}
std::string canonical(double value) {
  char out[kMaxNumber];
  return {out, write_canonical_double(out, value)};
}
std::string scaled(double scale, std::uint64_t value) {
  char out[kMaxNumber];
  return {out, ScaledText(scale).write(out, value)};
}
std::string scaled_signed(double scale, std::int64_t value) {
  char out[kMaxNumber];
  return {out, ScaledText(scale).write_signed(out, value)};
}
std::string wide(double scale, std::uint64_t low, std::uint64_t high) {
  char out[kMaxNumber];
  return {out, ScaledText(scale).write_wide(out, low, high)};
}

TEST_CASE("doubles read as Go's shortest 'g'") {
  CHECK(text(0) == "0");
  CHECK(text(-0.0) == "-0");
  CHECK(text(1) == "1");
  CHECK(text(-1.5) == "-1.5");
  CHECK(text(0.001) == "0.001");
  CHECK(text(0.0001) == "0.0001");
  CHECK(text(0.00001) == "1e-05");
  CHECK(text(100000) == "100000");
  CHECK(text(1000000) == "1e+06");
  CHECK(text(1048576) == "1.048576e+06");
  CHECK(text(123456.789) == "123456.789");
  CHECK(text(0.30000000000000004) == "0.30000000000000004");
  CHECK(text(1e100) == "1e+100");
  CHECK(text(5e-324) == "5e-324");
  CHECK(text(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(text(kInf) == "+Inf");
  CHECK(text(-kInf) == "-Inf");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("canonical doubles show that they are floats") {
  CHECK(canonical(1) == "1.0");
  CHECK(canonical(0) == "0.0");
  CHECK(canonical(0.5) == "0.5");
  CHECK(canonical(1e6) == "1e+06");
  CHECK(canonical(100000) == "100000.0");
  CHECK(canonical(kInf) == "+Inf");
}

TEST_CASE("unscaled integers are exact to the last digit") {
  CHECK(scaled(1, 0) == "0");
  CHECK(scaled(1, kMax) == "18446744073709551615");
  CHECK(scaled_signed(1, std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
}

TEST_CASE("scaled integers are exact decimals, without the noise of binary fractions") {
  CHECK(scaled(0.001, 3) == "0.003");
  CHECK(scaled(0.1, 3) == "0.3");
  CHECK(scaled(1e-9, 1) == "0.000000001");
  CHECK(scaled(1e-9, 1500000000) == "1.5");
  CHECK(scaled(1e-9, 2000000000) == "2");
  CHECK(scaled(1e-9, 0) == "0");
  CHECK(scaled(1e-9, kMax) == "18446744073.709551615");
  CHECK(scaled(1e-6, 10) == "0.00001");
  CHECK(scaled(1000, 2400000) == "2400000000");
  CHECK(scaled(1000, kMax) == "18446744073709551615000");
  CHECK(scaled(0.25, 10) == "2.5");
  CHECK(scaled(1.5, 7) == "10.5");
  CHECK(scaled_signed(0.001, -1500) == "-1.5");
}

TEST_CASE("scales beyond 128 bits go through doubles") {
  CHECK(scaled(1e-40, 2) == "2e-40");
  CHECK(scaled(1e300, 2) == "2e+300");
  CHECK(scaled_signed(-2, -3) == "6");
}

TEST_CASE("a histogram's sum is a 128-bit two's complement number") {
  CHECK(wide(1, 0, 0) == "0");
  CHECK(wide(1, 5, 0) == "5");
  CHECK(wide(1, kMax - 4, kMax) == "-5");
  CHECK(wide(1, 0, 1) == "18446744073709551616");
  CHECK(wide(1, 10'000'000'000'000'000'000U, 0) == "10000000000000000000");
  CHECK(wide(1, 0, 1ULL << 63U) == "-170141183460469231731687303715884105728");
  CHECK(wide(1e-9, 1, 1) == "18446744073.709551617");
  CHECK(wide(1e-9, kMax - 1499999999, kMax) == "-1.5");
  CHECK(wide(1000, 0, 1ULL << 62U) == "8.507059173023462e+40");
}

}  // namespace
}  // namespace tpx::exposition
