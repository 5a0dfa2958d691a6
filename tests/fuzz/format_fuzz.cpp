// Format files and their print formats, from any bytes. Run with the corpus in corpus/format.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kernel/format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto format = tpx::kernel::parse_format("fuzz", text);
  if (!format) {
    return 0;
  }
  for (const auto& field : format->fields) {
    if (field.name.empty() || field.type.empty()) {
      std::abort();
    }
    const auto names = tpx::kernel::names_of(*format, field.name);
    (void)tpx::kernel::resolve_names(names, nullptr);
  }
  return 0;
}
