#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tpx {

/// Shell-style match of the whole of `text`: `*` any run (also across '/'), `?` one byte. No brackets, no escapes.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

/// True when `text` holds `*` or `?`.
[[nodiscard]] bool is_glob(std::string_view text);

/// The candidates nearest to `word` by edit distance (transpositions count one), nearest first, at most `most`, and
/// only those near enough to be a likely misspelling.
[[nodiscard]] std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates,
                                               std::size_t most = 3);

/// `did you mean "a"?`, `did you mean "a" or "b"?`, or "" when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> candidates,
                                       std::size_t most = 1);

/// Valid UTF-8 made of `bytes`: every ill-formed sequence becomes U+FFFD (Unicode 15, section 3.9, maximal subparts).
[[nodiscard]] std::string to_utf8(std::string_view bytes);

/// The pieces of `text` between `separator`s; an empty text gives one empty piece.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// `text` without leading and trailing ASCII white space.
[[nodiscard]] std::string_view trim(std::string_view text);

/// `1 metric`, `2 metrics`.
[[nodiscard]] std::string counted(std::size_t count, const std::string& noun);

}  // namespace tpx
