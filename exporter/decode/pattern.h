#pragma once

#include <regex.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tpx::decode {

/// A compiled POSIX extended regular expression (regex(7)), with the GNU classes \w \W \s \S and anchors \b \B \< \>.
/// Bounded: patterns whose repetitions multiply beyond 10,000 states, and back-references, which make matching exponential,
/// are refused. So is what other dialects understand and this one would silently take for something else: \d, (?:…).
/// Immutable; not to be used by two threads at a time (regexec locks).
class Pattern {
 public:
  [[nodiscard]] static Result<Pattern> compile(const std::string& pattern);

  /// Nothing when no part of `text` matches. Else the first group (empty where it took no part in the match), or the whole
  /// text when the pattern has no group. A view into `text`.
  [[nodiscard]] std::optional<std::string_view> match(std::string_view text) const;

 private:
  struct Free {
    void operator()(regex_t* regex) const;
  };
  explicit Pattern(std::unique_ptr<regex_t, Free> regex) : regex_(std::move(regex)) {}

  std::unique_ptr<regex_t, Free> regex_;
};

/// What is wrong with `pattern`, for configuration time.
[[nodiscard]] Result<void> check_pattern(const std::string& pattern);

}  // namespace tpx::decode
