#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::test {

/// A field as a line of a format file says: `field:const char * name; offset:16; size:8; signed:0;`.
struct RecordedField {
  enum class Kind : std::uint8_t { Integer, Text, Array, DataLoc, RelLoc, Unreadable };
  std::string type;  ///< what precedes the name; of an array without its brackets, of a loc that of its elements
  std::string name;
  std::string length;  ///< between the brackets; empty where there are none
  Kind kind = Kind::Integer;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool is_signed = false;
};

/// The fields of a tracepoint's record, without common_*, as Documentation/trace/events.rst has the text. Read by the tests
/// themselves: kernel::Format is what they judge.
struct RecordedFormat {
  std::vector<RecordedField> fields;

  /// Throws std::runtime_error on what is no format file.
  [[nodiscard]] static RecordedFormat read(const std::string& file);
  [[nodiscard]] static RecordedFormat parse(const std::string& text);
  /// The first of this name; null when there is none.
  [[nodiscard]] const RecordedField* find(std::string_view name) const;
};

}  // namespace tpx::test
