#include "kernel/format_lines.h"

#include <algorithm>
#include <optional>

#include "base/number.h"
#include "base/words.h"

namespace tpx::kernel {
namespace {

/// A record never outgrows what the ring buffer takes; larger numbers are not a format's.
constexpr std::uint32_t kMaxRecord = 1U << 20U;
/// libtraceevent reads tokens by pieces of BUFSIZ; declarations are far shorter.
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxFields = 4096;

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) && std::all_of(text.begin(), text.end(), is_word);
}

/// Events may begin with a digit: `802154_rdev_resume`.
bool is_event_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLine && std::all_of(text.begin(), text.end(), is_word);
}

std::string_view strip(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  const auto value = whole_number<std::uint32_t>(text);
  return value && *value <= most ? value : std::nullopt;
}

/// Takes `key:VALUE;` off the front of `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::string_view key) {
  rest = strip(rest);
  if (!rest.starts_with(key)) {
    return {};
  }
  const auto end = rest.find(';');
  if (end == std::string_view::npos) {
    return {};
  }
  const std::string_view value = strip(rest.substr(key.size(), end - key.size()));
  rest.remove_prefix(end + 1);
  return value;
}

/// Cuts `__attribute__((…))`, with which kernels since 5.17 may mark pointers (`btf_type_tag`).
std::string without_attributes(std::string_view declaration) {
  constexpr std::string_view kAttribute = "__attribute__";
  std::string out;
  while (true) {
    const auto at = declaration.find(kAttribute);
    out += declaration.substr(0, at);
    if (at == std::string_view::npos) {
      return out;
    }
    declaration.remove_prefix(at + kAttribute.size());
    std::size_t depth = 0;
    std::size_t end = 0;
    for (; end < declaration.size(); ++end) {
      depth += declaration[end] == '(' ? 1U : 0U;
      if (declaration[end] == ')' && (depth == 0 || --depth == 0)) {
        ++end;
        break;
      }
      if (depth == 0 && declaration[end] != ' ') {
        break;
      }
    }
    declaration.remove_prefix(end);
  }
}

/// The field's name when `declaration` has the shape `TYPE NAME`, `TYPE NAME[…]` or `TYPE[…] NAME`; else nothing.
std::optional<std::string_view> declared_name(std::string_view declaration) {
  std::string_view head = declaration;
  std::string_view tail;
  if (const auto open = declaration.find('['); open != std::string_view::npos) {
    const auto close = declaration.find(']', open);
    if (close == std::string_view::npos) {
      return {};
    }
    const std::string_view inside = declaration.substr(open + 1, close - open - 1);
    const auto fits = [](char c) {
      return is_word(c) || std::string_view(" ()+-*/").find(c) != std::string_view::npos;
    };
    if (!std::all_of(inside.begin(), inside.end(), fits)) {
      return {};
    }
    head = strip(declaration.substr(0, open));
    tail = strip(declaration.substr(close + 1));
  }
  const auto fits = [](char c) { return is_word(c) || c == ' ' || c == '*'; };
  if (!std::all_of(head.begin(), head.end(), fits) || head.empty()) {
    return {};
  }
  if (!tail.empty()) {
    return is_identifier(tail) && is_word(head.back()) ? std::optional(tail) : std::nullopt;
  }
  std::size_t start = head.size();
  while (start > 0 && is_word(head[start - 1])) {
    --start;
  }
  const std::string_view name = head.substr(start);
  const std::string_view type = strip(head.substr(0, start));
  return is_identifier(name) && !type.empty() && is_word(type.front()) ? std::optional(name) : std::nullopt;
}

struct CheckedField {
  std::string line;
  bool is_common = false;
};

std::optional<CheckedField> check_field(std::string_view line) {
  if (line.size() > kMaxLine) {
    return {};
  }
  const auto raw = take(line, "field:");
  const auto offset = take(line, "offset:");
  const auto size = take(line, "size:");
  if (!raw || !offset || !size || !number(*offset, kMaxRecord) || !number(*size, kMaxRecord)) {
    return {};
  }
  const std::string cleaned = without_attributes(*raw);
  const std::string declaration(strip(cleaned));
  const auto name = declared_name(declaration);
  if (!name) {
    return {};
  }
  std::string sign;
  if (!strip(line).empty()) {
    const auto value = take(line, "signed:");
    if (!value || !number(*value, 1) || !strip(line).empty()) {
      return {};
    }
    sign = "\tsigned:" + std::string(*value) + ";";
  }
  return CheckedField{"\tfield:" + declaration + ";\toffset:" + std::string(*offset) + ";\tsize:" + std::string(*size) +
                          ";" + sign + "\n",
                      name->starts_with("common_")};
}

tl::unexpected<Error> not_a_format(std::size_t line, std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string shown(text.substr(0, kShown));
  std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return fail("not a tracepoint format: line " + std::to_string(line) + ": " + shown);
}

}  // namespace

std::string FormatLines::declarations() const {
  std::string out = "name: " + name + "\nID: " + std::to_string(id) + "\nformat:\n";
  for (const std::string& line : common) {
    out += line;
  }
  out += "\n";
  for (const std::string& line : fields) {
    out += line;
  }
  return out + "\nprint fmt: \"\"\n";
}

Result<FormatLines> read_format_lines(std::string_view text) {
  constexpr std::string_view kPrint = "print fmt:";
  FormatLines out;
  bool has_id = false;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const auto end = text.find('\n');
    const std::string_view line = strip(text.substr(0, end));
    if (line.starts_with(kPrint)) {
      // The print format is the last entry and may hold line breaks of its own.
      const std::string_view rest = text.substr(text.find(kPrint) + kPrint.size());
      const auto first = rest.find_first_not_of(" \t\r\n");
      const auto last = rest.find_last_not_of(" \t\r\n");
      out.print_format =
          first == std::string_view::npos ? std::string() : std::string(rest.substr(first, last - first + 1));
      break;
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line == "format:") {
      continue;
    }
    if (line.starts_with("name:") && out.name.empty()) {
      out.name = strip(line.substr(5));
      if (!is_event_name(out.name)) {
        return not_a_format(line_number, line);
      }
    } else if (line.starts_with("ID:") && !has_id) {
      const auto id = number(strip(line.substr(3)), 0x7fffffffU);
      if (!id) {
        return not_a_format(line_number, line);
      }
      out.id = *id;
      has_id = true;
    } else if (auto field = check_field(line); field && out.fields.size() + out.common.size() < kMaxFields) {
      (field->is_common ? out.common : out.fields).push_back(std::move(field->line));
    } else {
      return not_a_format(line_number, line);
    }
  }
  if (out.name.empty() || !has_id) {
    return fail("not a tracepoint format: it has no name and ID");
  }
  return out;
}

}  // namespace tpx::kernel
