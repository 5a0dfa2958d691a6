#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tpx::kernel {

/// A format file taken apart by lines and checked by shape, so that libtraceevent is only handed what it can't
/// stumble over: its parser dereferences null on truncated brackets, and its print format parser recurses without bound.
struct FormatLines {
  std::string name;
  std::uint32_t id = 0;
  /// `field:DECLARATION;\toffset:N;\tsize:N;[\tsigned:N;]`, checked; first the common_* ones.
  std::vector<std::string> common;
  std::vector<std::string> fields;
  std::string print_format;  ///< what follows `print fmt: `, untouched

  /// The same format file with an empty print format.
  [[nodiscard]] std::string declarations() const;
};

/// Reads a format file's lines. Fails, naming the line, on text that is not one.
[[nodiscard]] Result<FormatLines> read_format_lines(std::string_view text);

}  // namespace tpx::kernel
