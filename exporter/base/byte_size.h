#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tpx {

/// A number of bytes: a whole number with one of the units KiB, MiB and GiB, or none; none for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// `640 KiB`, `46 MiB`: whole KiB rounded up below 10 MiB, whole MiB above.
[[nodiscard]] std::string byte_size_text(std::uint64_t bytes);

}  // namespace tpx
