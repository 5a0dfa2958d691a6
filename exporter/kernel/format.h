#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tpx::kernel {

/// One field of a tracepoint's record, as the running kernel lays it out
/// (Documentation/trace/events.rst; offsets count from the start of the record, whose first 8 bytes are common_*).
struct Field {
  enum class Kind : std::uint8_t {
    Integer,    ///< 1, 2, 4 or 8 bytes
    CharArray,  ///< a string of at most `size` bytes inside the record
    Array,      ///< `length` integers of `element_size` bytes, or opaque bytes (element_size 1)
    DataLoc,    ///< a u32: low half offset from the record's start, high half length
    RelLoc,     ///< a u32: low half offset from the end of this field, high half length
    Other       ///< a struct or a size no load can read
  };
  std::string name;
  std::string type;  ///< as written: `const char *`, `__data_loc char[]`
  Kind kind = Kind::Integer;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;          ///< bytes in the record
  std::uint32_t element_size = 0;  ///< of arrays and of what a loc points to; else = size
  std::uint32_t length = 0;        ///< elements of an Array or CharArray; 0 when dynamic
  bool is_signed = false;
  bool is_pointer = false;  ///< the type ends in '*'
  bool is_string = false;   ///< CharArray, or a loc of characters
};

/// A tracepoint's record. Immutable once made.
struct Format {
  std::string category;
  std::string name;
  std::uint32_t id = 0;
  std::vector<Field> fields;  ///< without common_*
  std::string print_format;   ///< what follows `print fmt: `

  [[nodiscard]] std::string full_name() const { return category + "/" + name; }
  [[nodiscard]] const Field* find(std::string_view field) const;
  [[nodiscard]] std::vector<std::string> field_names() const;
};

/// Parses a format file's text with libtraceevent. Fails on text that is not one. Thread-safe.
[[nodiscard]] Result<Format> parse_format(std::string_view category, std::string_view text);

class Btf;

/// Names that a print format gives the values of a field, or of the part of it that `shift` and `mask` pick out
/// (`(REC->ioprio >> 13) & 7`): look up named_part() of a value, not the value.
struct FieldNames {
  /// `__print_symbolic(REC->field, {0, "HI"}, …)`: value → name, the first name of a value wins.
  std::map<std::uint64_t, std::string> symbols;
  /// `__print_flags(REC->field, "|", {1, "A"}, …)`: mask → name, in the order of the print format.
  std::vector<std::pair<std::uint64_t, std::string>> flags;
  /// Names whose value the format leaves as an enumerator or macro (older kernels): to be resolved through BTF.
  std::vector<std::pair<std::string, std::string>> unresolved;  ///< enumerator or an expression over some, name
  /// True when the pairs of `unresolved` belong to a __print_flags.
  bool unresolved_flags = false;
  unsigned shift = 0;
  std::uint64_t mask = ~std::uint64_t{0};  ///< applied after the shift
  /// What `symbols` and `flags` speak of.
  [[nodiscard]] std::uint64_t named_part(std::uint64_t value) const { return (value >> shift) & mask; }
  [[nodiscard]] bool empty() const { return symbols.empty() && flags.empty() && unresolved.empty(); }
};

/// What the print format says of `field`: also through casts, masks, shifts and conditional expressions around REC->field,
/// and by choices between literals (`REC->ret ? "handled" : "unhandled"`). The name of 0 among flags is in `symbols`.
/// Nothing where two tables contradict each other. Takes any text.
[[nodiscard]] FieldNames names_of(const Format& format, std::string_view field);

/// The same with the enumerators of `unresolved` looked up in the kernel's enums; those that are none (macros) stay
/// unresolved. Without BTF, everything stays.
[[nodiscard]] FieldNames resolve_names(FieldNames names, const Btf* btf);

}  // namespace tpx::kernel
