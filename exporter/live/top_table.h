#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "live/top_model.h"

namespace tpx::live {

/// A top list as lines of text of one width, for a screen or a pipe.
struct TopTable {
  std::vector<std::string> label_names;
  bool quantiles = false;
  bool utf8 = true;
  std::size_t width = 100;  ///< columns of the terminal; 0: as wide as it needs to be

  [[nodiscard]] std::string heading(const std::vector<TopRow>& rows) const;
  [[nodiscard]] std::vector<std::string> lines(const std::vector<TopRow>& rows) const;

 private:
  [[nodiscard]] std::vector<std::size_t> label_widths(const std::vector<TopRow>& rows) const;
};

/// A number in few characters: `12.3k`, `4.56M`, `0.00012`.
[[nodiscard]] std::string short_number(double value);

/// One character a value, scaled to the largest; blocks in UTF-8, else ASCII.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, std::size_t width, bool utf8);

/// `text` cut or filled up with spaces to `width` characters. Code points count one each.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width, bool right = false);

}  // namespace tpx::live
