#include "kernel/format.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "base/number.h"
#include "base/words.h"
#include "kernel/c_types.h"
#include "kernel/format_lines.h"

extern "C" {
#include <traceevent/event-parse.h>
}

namespace tpx::kernel {
namespace {

struct TepDeleter {
  void operator()(tep_handle* handle) const { tep_free(handle); }
};
using TepHandle = std::unique_ptr<tep_handle, TepDeleter>;

TepHandle make_handle() {
  // The library prints its warnings to stderr, by a level that is one for the process.
  static std::once_flag silenced;
  std::call_once(silenced, [] { tep_set_loglevel(TEP_LOG_NONE); });
  TepHandle handle(tep_alloc());
  if (handle) {
    tep_set_long_size(handle.get(), static_cast<int>(sizeof(long)));
    tep_set_page_size(handle.get(), static_cast<int>(::sysconf(_SC_PAGESIZE)));
  }
  return handle;
}

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) {
      return true;
    }
  }
  return false;
}

/// The type of an element: `__data_loc unsigned int[]` → `unsigned int`, `const char[16]` → `char`.
std::string element_type(std::string_view type) {
  type = type.substr(0, type.find('['));
  for (const std::string_view prefix : {"__data_loc ", "__rel_loc ", "const ", "volatile "}) {
    if (type.starts_with(prefix)) {
      type.remove_prefix(prefix.size());
    }
  }
  while (!type.empty() && type.back() == ' ') {
    type.remove_suffix(1);
  }
  return std::string(type);
}

/// Bytes of a C type by its name on this machine; 0 when the name does not tell.
std::uint32_t size_of_type(std::string_view type) {
  if (type.ends_with('*')) {
    return sizeof(void*);
  }
  const auto named = c_type(type);
  return named ? named->size : 0;
}

bool is_load_size(std::uint32_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

/// The number between the brackets of `type`; nothing for `[]` and for expressions.
std::optional<std::uint32_t> written_length(std::string_view type) {
  const auto open = type.rfind('[');
  const auto close = type.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return {};
  }
  const auto value = whole_number<std::uint32_t>(type.substr(open + 1, close - open - 1));
  return value && *value > 0 ? value : std::nullopt;
}

void describe_array(Field& field, const std::string& element) {
  std::uint32_t each = 0;
  if (const auto length = written_length(field.type); length && field.size % *length == 0) {
    each = field.size / *length;
  } else {
    each = size_of_type(element);
  }
  const bool is_composite = (has_word(element, "struct") || has_word(element, "union")) && !element.ends_with('*');
  if (is_composite || !is_load_size(each) || field.size % each != 0) {
    each = 1;
  }
  field.element_size = each;
  field.length = field.size / each;
  field.is_string = element == "char" && each == 1;
  field.kind = field.is_string ? Field::Kind::CharArray : Field::Kind::Array;
}

void describe_location(Field& field, const std::string& element, bool relative) {
  if (field.size != sizeof(std::uint32_t)) {
    field.kind = Field::Kind::Other;
    return;
  }
  field.kind = relative ? Field::Kind::RelLoc : Field::Kind::DataLoc;
  const std::uint32_t each = size_of_type(element);
  field.element_size = each == 0 ? 1 : each;
  field.is_string = element == "char";
}

Field make_field(const tep_format_field& raw) {
  Field field;
  field.name = raw.name;
  field.type = raw.type;
  field.offset = static_cast<std::uint32_t>(raw.offset);
  field.size = static_cast<std::uint32_t>(raw.size);
  field.element_size = field.size;
  field.is_signed = (raw.flags & TEP_FIELD_IS_SIGNED) != 0;
  const std::string element = element_type(field.type);
  const bool is_location = (raw.flags & TEP_FIELD_IS_DYNAMIC) != 0;
  const bool is_array = (raw.flags & TEP_FIELD_IS_ARRAY) != 0;
  // `void *const` is a pointer as well: no array, and a '*' anywhere in the type.
  field.is_pointer = !is_location && !is_array && field.type.find('*') != std::string::npos;
  if (field.size == 0) {
    field.kind = Field::Kind::Other;
  } else if (is_location) {
    describe_location(field, element, (raw.flags & TEP_FIELD_IS_RELATIVE) != 0);
  } else if (is_array) {
    describe_array(field, element);
  } else if (!is_load_size(field.size) ||
             (!field.is_pointer && (element.starts_with("struct ") || element.starts_with("union ")))) {
    field.kind = Field::Kind::Other;
  }
  return field;
}

}  // namespace

const Field* Format::find(std::string_view field) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string> Format::field_names() const {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) {
    names.push_back(field.name);
  }
  return names;
}

Result<Format> parse_format(std::string_view category, std::string_view text) {
  auto lines = read_format_lines(text);
  if (!lines) {
    return fail(std::move(lines.error()));
  }
  const TepHandle handle = make_handle();
  if (!handle) {
    return fail("out of memory for the format of " + std::string(category) + "/" + lines->name);
  }
  const std::string declarations = lines->declarations();
  tep_event* event = nullptr;
  const std::string owner(category);
  const tep_errno code =
      tep_parse_format(handle.get(), &event, declarations.data(), declarations.size(), owner.c_str());
  if (code != TEP_ERRNO__SUCCESS || event == nullptr) {
    return fail("the format of " + owner + "/" + lines->name + " can't be read: libtraceevent refuses it");
  }
  Format format;
  format.category = owner;
  format.name = lines->name;
  format.id = lines->id;
  format.print_format = std::move(lines->print_format);
  for (const tep_format_field* raw = event->format.fields; raw != nullptr; raw = raw->next) {
    format.fields.push_back(make_field(*raw));
  }
  return format;
}

}  // namespace tpx::kernel
