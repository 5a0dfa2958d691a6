#include "loader/object_options.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <vector>

#include "base/number.h"
#include "base/text.h"
#include "kernel/btf.h"

namespace tpx::loader {

namespace {

using kernel::Btf;

struct Variable {
  std::string name;
  std::uint32_t type = 0;
  std::byte* bytes = nullptr;  ///< in Constants::data
  std::uint32_t size = 0;
};

/// What the object's `const volatile` variables start with: a copy, as libbpf 1.1 gives the bytes for reading alone.
struct Constants {
  bpf_map* map = nullptr;
  std::vector<std::byte> data;
  std::vector<Variable> variables;
};

Constants constants_of(const ::bpf_object* object) {
  Constants constants;
  const ::btf* btf = bpf_object__btf(object);
  const int section = btf == nullptr ? -1 : btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).ends_with(".rodata")) {
      constants.map = map;
    }
  }
  if (section < 0 || constants.map == nullptr) {
    return constants;
  }
  std::size_t size = 0;
  const void* start = bpf_map__initial_value(constants.map, &size);
  if (start == nullptr) {
    return constants;
  }
  const auto* bytes = static_cast<const std::byte*>(start);
  constants.data.assign(bytes, bytes + size);
  const btf_type* type = btf__type_by_id(btf, static_cast<__u32>(section));
  const btf_var_secinfo* entry = btf_var_secinfos(type);
  for (int i = 0; i < btf_vlen(type); ++i, ++entry) {
    const btf_type* variable = btf__type_by_id(btf, entry->type);
    if (btf_is_var(variable) && std::size_t{entry->offset} + entry->size <= size) {
      constants.variables.push_back({btf__name_by_offset(btf, variable->name_off), variable->type,
                                     constants.data.data() + entry->offset, entry->size});
    }
  }
  return constants;
}

Error bad(const std::string& name, const config::Text& text, const std::string& message, const std::string& hint = {}) {
  return {"option \"" + name + "\" " + message + ", not \"" + text.value + "\"", hint, text.at};
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  const bool negative = text.starts_with("-");
  std::string_view digits = negative ? text.substr(1) : text;
  const bool is_hex = digits.starts_with("0x");
  digits.remove_prefix(is_hex ? 2 : 0);
  std::string plain(negative ? "-" : "");
  for (const char digit : digits) {
    plain += digit == '_' ? "" : std::string(1, digit);
  }
  return whole_number<T>(plain, is_hex ? 16 : 10);
}

Result<void> set_integer(const Variable& variable, const Btf::Type& type, const config::Text& text) {
  const unsigned bits = type.size * 8;
  std::uint64_t bytes = 0;
  std::string range;
  bool fits = false;
  if (type.is_signed) {
    const std::int64_t most = bits == 64 ? INT64_MAX : (std::int64_t{1} << (bits - 1)) - 1;
    const auto number = parse_number<std::int64_t>(text.value);
    fits = number && *number <= most && *number >= -most - 1;
    bytes = static_cast<std::uint64_t>(number.value_or(0));
    range = std::to_string(-most - 1) + " to " + std::to_string(most);
  } else {
    const std::uint64_t most = bits == 64 ? UINT64_MAX : (std::uint64_t{1} << bits) - 1;
    const auto number = parse_number<std::uint64_t>(text.value);
    fits = number && *number <= most;
    bytes = number.value_or(0);
    range = "0 to " + std::to_string(most);
  }
  if (!fits) {
    return fail(bad(variable.name, text, "is an integer, " + type.name + ", from " + range));
  }
  std::memcpy(variable.bytes, &bytes, type.size);
  return {};
}

Result<void> set_enum(const Variable& variable, const Btf::Type& type, const Btf& btf, const config::Text& text) {
  std::vector<std::string> names;
  for (const auto& [value, name] : btf.enumerators(type.id)) {
    if (name == text.value) {
      std::memcpy(variable.bytes, &value, type.size);
      return {};
    }
    names.push_back(name);
  }
  auto number = set_integer(variable, type, text);
  if (!number) {
    const std::string near = did_you_mean(text.value, names);
    return fail(bad(variable.name, text, "is one of enum " + type.name, near));
  }
  return number;
}

Result<void> set_variable(const Variable& variable, const Btf& btf, const config::Text& text) {
  const Btf::Type type = btf.resolve(variable.type);
  if (type.kind == Btf::Kind::Enum) {
    return set_enum(variable, type, btf, text);
  }
  if (type.kind == Btf::Kind::Integer && (type.name == "bool" || type.name == "_Bool")) {
    const bool yes = text.value == "true" || text.value == "1";
    if (!yes && text.value != "false" && text.value != "0") {
      return fail(bad(variable.name, text, "is true or false"));
    }
    *variable.bytes = std::byte{yes};
    return {};
  }
  if (type.kind == Btf::Kind::Integer && type.size <= 8) {
    return set_integer(variable, type, text);
  }
  if (type.kind == Btf::Kind::Array && btf.resolve(type.target).is_char) {
    if (text.value.size() >= variable.size) {
      return fail(bad(variable.name, text, "is a text of at most " + std::to_string(variable.size - 1) + " bytes"));
    }
    std::memset(variable.bytes, 0, variable.size);
    std::memcpy(variable.bytes, text.value.data(), text.value.size());
    return {};
  }
  return fail(bad(variable.name, text, "is " + type.name + ", which can't be set here",
                  "options are integers, booleans, enums and char arrays"));
}

}  // namespace

Result<void> set_options(::bpf_object* object, const std::map<std::string, config::Text>& options) {
  const Constants constants = constants_of(object);
  const std::vector<Variable>& variables = constants.variables;
  std::vector<std::string> names;
  std::string list;
  for (const Variable& variable : variables) {
    names.push_back(variable.name);
    list += (list.empty() ? "it has " : ", ") + variable.name;
  }
  for (const auto& [name, text] : options) {
    const Variable* found = nullptr;
    for (const Variable& variable : variables) {
      found = variable.name == name ? &variable : found;
    }
    if (found == nullptr) {
      const std::string near = did_you_mean(name, names);
      return fail(Error{"the object has no option \"" + name + "\"",
                        !near.empty()  ? near
                        : list.empty() ? "options are its `const volatile` variables, and it has none"
                                       : list,
                        text.at});
    }
    auto set = set_variable(*found, Btf::borrow(bpf_object__btf(object)), text);
    if (!set) {
      return set;
    }
  }
  if (!options.empty() &&
      bpf_map__set_initial_value(constants.map, constants.data.data(), constants.data.size()) != 0) {
    return fail("libbpf does not take the options");
  }
  return {};
}

std::optional<std::int64_t> constant_of(const ::bpf_object* object, const std::string& name) {
  const Constants constants = constants_of(object);
  for (const Variable& variable : constants.variables) {
    if (variable.name == name && variable.size <= 8) {
      std::int64_t value = 0;
      std::memcpy(&value, variable.bytes, variable.size);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace tpx::loader
