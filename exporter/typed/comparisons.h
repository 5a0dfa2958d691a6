#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "expression/ast.h"
#include "typed/expr.h"

namespace tpx::typed {

/// Collects, while a metric's expressions are bound, the comparisons that have the same result for every event, by
/// location. A comparison that can have both results at another tracepoint of the metric is not reported.
class Comparisons {
 public:
  /// `node` is the comparison in a text that starts at `at`. `fixed`: the warning, which gets its location here, or nothing if
  /// the comparison can have both results.
  void add(const expression::Node& node, const SourceLocation& at, std::optional<Error> fixed);
  void merge(const Comparisons& other);
  /// In the order of their locations.
  [[nodiscard]] Errors warnings() const;

 private:
  /// Line, column and the length: one comparison may begin where another does.
  using Place = std::array<std::uint32_t, 3>;
  void add(const Place& place, const std::optional<Error>& fixed);

  std::map<Place, std::optional<Error>> found_;
};

/// The possible values of one side of a comparison.
struct Side {
  __extension__ using Wide = __int128;
  // Integers: the lowest and highest value, and the bits that are always 0.
  Wide low = 0;
  Wide high = 0;
  std::uint64_t zero_bits = 0;
  // Strings: the maximum length, and the text of a constant.
  std::uint32_t longest = 0;
  std::optional<std::string> text = std::nullopt;
};

[[nodiscard]] Side side_of(const TypedExpr& bound);

/// The warning for a comparison that is never or always true, or that compares a string with a text that looks like a
/// pattern; nothing for any other. `is_signed`: whether the operation is computed as signed.
[[nodiscard]] std::optional<Error> judge_integers(const expression::Binary& binary, const Side& left, const Side& right,
                                                  bool is_signed);
[[nodiscard]] std::optional<Error> judge_strings(const expression::Binary& binary, Side left, Side right);

}  // namespace tpx::typed
