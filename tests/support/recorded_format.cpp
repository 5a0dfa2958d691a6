#include "support/recorded_format.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace tpx::test {

using Kind = RecordedField::Kind;

namespace {

bool take_prefix(std::string& text, std::string_view prefix) {
  const bool has = text.starts_with(prefix);
  text.erase(0, has ? prefix.size() : 0);
  return has;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool is_composite(const std::string& type) {
  return (type.starts_with("struct ") || type.starts_with("union ")) && type.find('*') == std::string::npos;
}

Kind kind_of(const RecordedField& field, bool is_array) {
  if (is_array) {
    return field.type == "char" ? Kind::Text : Kind::Array;
  }
  const bool loads = field.size == 1 || field.size == 2 || field.size == 4 || field.size == 8;
  return loads && !is_composite(field.type) ? Kind::Integer : Kind::Unreadable;
}

RecordedField field_of(const std::smatch& line) {
  RecordedField field;
  std::string declaration = line[1];
  field.offset = static_cast<std::uint32_t>(std::stoul(line[2]));
  field.size = static_cast<std::uint32_t>(std::stoul(line[3]));
  field.is_signed = line[4] == "1";
  const bool data = take_prefix(declaration, "__data_loc ");
  const bool relative = !data && take_prefix(declaration, "__rel_loc ");
  // `char comm[16]`, and of a loc `char[] comm`.
  const auto open = declaration.find('[');
  const bool is_array = open != std::string::npos;
  if (is_array) {
    const auto close = declaration.rfind(']');
    field.length = declaration.substr(open + 1, close - open - 1);
    declaration.erase(open, close - open + 1);
  }
  const auto name = declaration.find_last_of(" *") + 1;
  field.name = declaration.substr(name);
  field.type = trimmed(declaration.substr(0, name));
  take_prefix(field.type, "const ");
  field.kind = data ? Kind::DataLoc : relative ? Kind::RelLoc : kind_of(field, is_array);
  return field;
}

}  // namespace

RecordedFormat RecordedFormat::parse(const std::string& text) {
  static const std::regex pattern("\tfield:(.*);\toffset:([0-9]+);\tsize:([0-9]+);\tsigned:([01]);");
  RecordedFormat format;
  std::istringstream lines(text);
  bool known = false;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, pattern)) {
      continue;
    }
    known = true;
    RecordedField field = field_of(found);
    if (!field.name.starts_with("common_")) {
      format.fields.push_back(std::move(field));
    }
  }
  if (!known) {
    throw std::runtime_error("no field in the text of a format: " + text.substr(0, 60));
  }
  return format;
}

RecordedFormat RecordedFormat::read(const std::string& file) {
  std::ifstream stream(file);
  return parse({std::istreambuf_iterator<char>(stream), {}});
}

const RecordedField* RecordedFormat::find(std::string_view name) const {
  for (const RecordedField& field : fields) {
    if (field.name == name) {
      return &field;
    }
  }
  return nullptr;
}

}  // namespace tpx::test
