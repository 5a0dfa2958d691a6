#include "support/decimal.h"

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <vector>

namespace tpx::test {

namespace {

std::string without_leading_zeros(const std::string& digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

bool magnitude_less(const std::string& left, const std::string& right) {
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

}  // namespace

Decimal::Decimal(const std::string& text) {
  static const std::regex pattern(R"(([+-]?)([0-9]+)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?)");
  std::smatch found;
  if (!std::regex_match(text, found, pattern)) {
    throw std::runtime_error("no decimal number: " + text);
  }
  negative_ = found[1] == "-";
  digits_ = without_leading_zeros(found[2].str() + found[3].str());
  exponent_ = (found[4].matched ? std::stoi(found[4]) : 0) - static_cast<int>(found[3].length());
}

Decimal Decimal::operator*(const Decimal& other) const {
  // As on paper; the last digit first.
  std::vector<int> sums(digits_.size() + other.digits_.size(), 0);
  for (std::size_t i = 0; i < digits_.size(); ++i) {
    int carry = 0;
    for (std::size_t j = 0; j < other.digits_.size() || carry > 0; ++j) {
      const int digit = j < other.digits_.size() ? other.digits_[other.digits_.size() - 1 - j] - '0' : 0;
      const int sum = sums[i + j] + (digits_[digits_.size() - 1 - i] - '0') * digit + carry;
      sums[i + j] = sum % 10;
      carry = sum / 10;
    }
  }
  Decimal product("0");
  product.negative_ = negative_ != other.negative_;
  std::string digits;
  std::transform(sums.rbegin(), sums.rend(), std::back_inserter(digits),
                 [](int digit) { return static_cast<char>('0' + digit); });
  product.digits_ = without_leading_zeros(digits);
  product.exponent_ = exponent_ + other.exponent_;
  return product;
}

bool Decimal::operator<=(const Decimal& other) const {
  const int exponent = std::min(exponent_, other.exponent_);
  const auto aligned = [&](const Decimal& number) {
    return number.digits_.empty()
               ? ""
               : number.digits_ + std::string(static_cast<std::size_t>(number.exponent_ - exponent), '0');
  };
  const std::string left = aligned(*this);
  const std::string right = aligned(other);
  const bool left_negative = negative_ && !left.empty();
  const bool right_negative = other.negative_ && !right.empty();
  if (left_negative != right_negative) {
    return left_negative;
  }
  return left_negative ? !magnitude_less(left, right) : !magnitude_less(right, left);
}

}  // namespace tpx::test
