#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "live/shown_number.h"
#include "live/top_model.h"

namespace tpx::live {

/// A top list as lines of text of one width, for a screen or a pipe.
struct TopTable {
  std::vector<std::string> label_names;
  bool quantiles = false;
  bool utf8 = true;
  std::size_t width = 100;  ///< columns of the terminal; 0: as wide as it needs to be
  Unit unit = Unit::None;   ///< of the value that is counted or observed

  [[nodiscard]] std::string heading(const std::vector<TopRow>& rows) const;
  [[nodiscard]] std::vector<std::string> lines(const std::vector<TopRow>& rows) const;

  /// A histogram's buckets from the first that has observations to the last, a bar of @ for each.
  [[nodiscard]] std::vector<std::string> bars(const std::vector<std::uint64_t>& counts,
                                              const std::vector<double>& bounds) const;

 private:
  [[nodiscard]] std::vector<std::size_t> label_widths(const std::vector<TopRow>& rows) const;
  [[nodiscard]] const char* mark() const { return utf8 ? "…" : ">"; }
  [[nodiscard]] std::string cut(const std::string& line) const;
};

/// One character a value, scaled to the largest; blocks in UTF-8, else ASCII.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, std::size_t width, bool utf8);

/// `text` cut or filled up with spaces to `width` characters. Code points count one each. The last character of what was cut
/// is `mark`, if there is one.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width, bool right = false,
                                 std::string_view mark = {});

}  // namespace tpx::live
