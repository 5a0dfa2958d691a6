#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "expression/ast.h"
#include "plan/bound.h"
#include "plan/row_value.h"

namespace tpx::plan {

/// What is found of a metric's comparisons while its expressions are bound: those that have one outcome whatever the event,
/// by the place of each. A comparison that has both outcomes at another tracepoint of the metric is none of them.
class Comparisons {
 public:
  /// `node` is the comparison in a text that starts at `at`; `fixed` the warning, which gets its place here, or nothing where
  /// it may go either way.
  void add(const expression::Node& node, const SourceLocation& at, std::optional<Error> fixed);
  void merge(const Comparisons& other);
  /// In the order of their places.
  [[nodiscard]] Errors warnings() const;

 private:
  /// Line, column and the length: one comparison may begin where another does.
  using Place = std::array<std::uint32_t, 3>;
  void add(const Place& place, const std::optional<Error>& fixed);

  std::map<Place, std::optional<Error>> found_;
};

/// What one side of a comparison may be.
struct Side {
  __extension__ using Wide = __int128;
  // Integers: the lowest and highest value; bits that are 0 always.
  Wide low = 0;
  Wide high = 0;
  std::uint64_t zero_bits = 0;
  // Strings: the longest; the text of a constant.
  std::uint32_t longest = 0;
  std::optional<std::string> text = std::nullopt;
};

[[nodiscard]] Side side_of(const Bound& bound);
[[nodiscard]] Side side_of(const RowValue& value);

/// The warning of a comparison that is never or always true, or that compares a string with what looks like a pattern;
/// nothing of any other. `is_signed`: of the operation, as it is computed.
[[nodiscard]] std::optional<Error> judge_integers(const expression::Binary& binary, const Side& left, const Side& right,
                                                  bool is_signed);
[[nodiscard]] std::optional<Error> judge_strings(const expression::Binary& binary, Side left, Side right);

}  // namespace tpx::plan
