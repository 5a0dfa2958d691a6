#include "kernel/btf.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string_view>
#include <utility>

namespace tpx::kernel {
namespace {

/// Longer chains of typedefs and deeper anonymous nesting than the kernel's are broken BTF, which may run in circles.
constexpr int kMaxChain = 64;
constexpr int kMaxNesting = 16;
constexpr int kMaxMembers = 100000;

constexpr std::string_view kTypedefPrefix = "btf_trace_";
constexpr std::string_view kIteratorPrefix = "__traceiter_";
constexpr std::string_view kProbePrefix = "__bpf_trace_";

std::string_view string_at(const ::btf* raw, std::uint32_t offset) {
  const char* text = btf__str_by_offset(raw, offset);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

using Named = std::pair<std::string_view, std::uint32_t>;

std::optional<std::uint32_t> look_up(const std::vector<Named>& sorted, std::string_view name) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), name,
                                      [](const Named& entry, std::string_view wanted) { return entry.first < wanted; });
  return found != sorted.end() && found->first == name ? std::optional(found->second) : std::nullopt;
}

/// By name; of several types of one name the first stays first.
void sort_by_name(std::vector<Named>& names) {
  std::sort(names.begin(), names.end());
  names.shrink_to_fit();
}

/// The type without typedefs, qualifiers and tags. Null for void and for broken chains.
struct Stripped {
  const btf_type* type = nullptr;
  std::uint32_t id = 0;
  std::string_view name;  ///< the first that was met
};

Stripped strip(const ::btf* raw, std::uint32_t id) {
  Stripped out;
  for (int step = 0; step < kMaxChain && id != 0; ++step) {
    const btf_type* type = btf__type_by_id(raw, id);
    if (type == nullptr) {
      return {};
    }
    // A type tag's name is the tag's ("user", "rcu").
    if (out.name.empty() && !btf_is_type_tag(type)) {
      out.name = string_at(raw, type->name_off);
    }
    if (!btf_is_typedef(type) && !btf_is_mod(type) && !btf_is_type_tag(type)) {
      out.type = type;
      out.id = id;
      return out;
    }
    id = type->type;
  }
  return Stripped{nullptr, 0, out.name};
}

bool is_composite(const btf_type* type) {
  return btf_is_struct(type) || btf_is_union(type);
}

std::uint64_t enum64_value(const struct ::btf_enum64& value) {
  return (static_cast<std::uint64_t>(value.val_hi32) << 32U) | value.val_lo32;
}

}  // namespace

/// What is found by name, each kind in one pass over all types, the first time that it is asked for.
struct Btf::Index {
  explicit Index(const ::btf* source) : raw(source) {}

  struct Tracepoints {
    std::vector<Named> typedefs;   ///< without the prefix
    std::vector<Named> iterators;  ///< FUNC __traceiter_NAME
    std::vector<Named> probes;     ///< FUNC __bpf_trace_NAME
  };
  struct Enumerator {
    std::uint32_t name = 0;  ///< string offset
    std::uint32_t type = 0;
    std::uint32_t index = 0;
  };

  [[nodiscard]] const Tracepoints& tracepoints() const {
    std::call_once(tracepoints_once_, [this] { fill_tracepoints(); });
    return tracepoints_;
  }
  [[nodiscard]] const std::vector<Named>& structures() const {
    std::call_once(structures_once_, [this] { fill_structures(); });
    return structures_;
  }
  [[nodiscard]] const std::vector<Enumerator>& enumerators() const {
    std::call_once(enumerators_once_, [this] { fill_enumerators(); });
    return enumerators_;
  }
  /// Since 6.0 an enum says itself whether it is signed; before, no enum said so and values count as signed.
  [[nodiscard]] bool enums_tell_sign() const {
    (void)enumerators();
    return enums_tell_sign_;
  }
  [[nodiscard]] std::uint64_t enum_value(const btf_type* type, std::uint32_t index) const {
    if (btf_is_enum64(type)) {
      return enum64_value(btf_enum64(type)[index]);
    }
    const std::int32_t value = btf_enum(type)[index].val;
    if (value < 0 && (btf_kflag(type) || !enums_tell_sign())) {
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    }
    return static_cast<std::uint32_t>(value);
  }
  [[nodiscard]] bool enum_is_signed(const btf_type* type) const {
    if (btf_kflag(type) || btf_is_enum64(type)) {
      return btf_kflag(type);
    }
    const auto* values = btf_enum(type);
    const bool has_negative =
        std::any_of(values, values + btf_vlen(type), [](const auto& value) { return value.val < 0; });
    return has_negative && !enums_tell_sign();
  }

  const ::btf* raw;

 private:
  void fill_tracepoints() const {
    const std::uint32_t count = btf__type_cnt(raw);
    for (std::uint32_t id = 1; id < count; ++id) {
      const btf_type* type = btf__type_by_id(raw, id);
      if (!btf_is_typedef(type) && !btf_is_func(type)) {
        continue;
      }
      const std::string_view name = string_at(raw, type->name_off);
      if (btf_is_typedef(type)) {
        add_if(tracepoints_.typedefs, name, kTypedefPrefix, id);
      } else {
        add_if(tracepoints_.iterators, name, kIteratorPrefix, id);
        add_if(tracepoints_.probes, name, kProbePrefix, id);
      }
    }
    sort_by_name(tracepoints_.typedefs);
    sort_by_name(tracepoints_.iterators);
    sort_by_name(tracepoints_.probes);
  }

  static void add_if(std::vector<Named>& list, std::string_view name, std::string_view prefix, std::uint32_t id) {
    if (name.starts_with(prefix)) {
      list.emplace_back(name.substr(prefix.size()), id);
    }
  }

  void fill_structures() const {
    const std::uint32_t count = btf__type_cnt(raw);
    for (std::uint32_t id = 1; id < count; ++id) {
      const btf_type* type = btf__type_by_id(raw, id);
      if (is_composite(type) && type->name_off != 0) {
        structures_.emplace_back(string_at(raw, type->name_off), id);
      }
    }
    sort_by_name(structures_);
  }

  void fill_enumerators() const {
    const std::uint32_t count = btf__type_cnt(raw);
    for (std::uint32_t id = 1; id < count; ++id) {
      const btf_type* type = btf__type_by_id(raw, id);
      if (!btf_is_any_enum(type)) {
        continue;
      }
      enums_tell_sign_ = enums_tell_sign_ || btf_kflag(type) || btf_is_enum64(type);
      for (std::uint32_t index = 0; index < btf_vlen(type); ++index) {
        const std::uint32_t name =
            btf_is_enum(type) ? btf_enum(type)[index].name_off : btf_enum64(type)[index].name_off;
        enumerators_.push_back({name, id, index});
      }
    }
    std::sort(enumerators_.begin(), enumerators_.end(), [this](const Enumerator& a, const Enumerator& b) {
      const int order = string_at(raw, a.name).compare(string_at(raw, b.name));
      return order != 0 ? order < 0 : std::pair(a.type, a.index) < std::pair(b.type, b.index);
    });
    enumerators_.shrink_to_fit();
  }

  mutable std::once_flag tracepoints_once_;
  mutable std::once_flag structures_once_;
  mutable std::once_flag enumerators_once_;
  mutable Tracepoints tracepoints_;
  mutable std::vector<Named> structures_;
  mutable std::vector<Enumerator> enumerators_;
  mutable bool enums_tell_sign_ = false;
};

Btf::Btf(std::shared_ptr<const ::btf> raw, std::shared_ptr<const Index> index)
    : raw_(std::move(raw)), index_(std::move(index)) {}

Result<Btf> Btf::open(const std::string& path) {
  errno = 0;
  ::btf* raw = btf__parse_raw(path.c_str());
  if (raw == nullptr) {
    const int code = errno;
    return fail(os_failure("kernel type information " + path + " can't be read", code,
                           code == ENOENT ? "the kernel needs CONFIG_DEBUG_INFO_BTF" : ""));
  }
  std::shared_ptr<const ::btf> owner(raw, [raw](const ::btf*) { btf__free(raw); });
  return Btf(std::move(owner), std::make_shared<const Index>(raw));
}

Btf Btf::borrow(const ::btf* raw) {
  return Btf(std::shared_ptr<const ::btf>(raw, [](const ::btf*) {}), std::make_shared<const Index>(raw));
}

std::optional<std::uint32_t> Btf::tracepoint_id(const std::string& name) const {
  return look_up(index_->tracepoints().typedefs, name);
}

std::vector<std::string> Btf::tracepoints() const {
  std::vector<std::string> names;
  for (const auto& [name, id] : index_->tracepoints().typedefs) {
    if (names.empty() || names.back() != name) {
      names.emplace_back(name);
    }
  }
  return names;
}

std::optional<std::vector<Btf::Argument>> Btf::tracepoint(const std::string& name) const {
  const auto id = tracepoint_id(name);
  if (!id) {
    return {};
  }
  const Stripped pointer = strip(raw(), *id);
  if (pointer.type == nullptr || !btf_is_ptr(pointer.type)) {
    return {};
  }
  const Stripped proto = strip(raw(), pointer.type->type);
  if (proto.type == nullptr || !btf_is_func_proto(proto.type) || btf_vlen(proto.type) == 0) {
    return {};
  }
  const std::uint32_t count = btf_vlen(proto.type);
  std::vector<Argument> arguments;
  for (std::uint32_t i = 1; i < count; ++i) {
    arguments.push_back({"arg" + std::to_string(i - 1), btf_params(proto.type)[i].type});
  }
  const auto& index = index_->tracepoints();
  for (const auto* functions : {&index.iterators, &index.probes}) {
    const auto function = look_up(*functions, name);
    const Stripped named = function ? strip(raw(), btf__type_by_id(raw(), *function)->type) : Stripped{};
    if (named.type == nullptr || !btf_is_func_proto(named.type) || btf_vlen(named.type) != count) {
      continue;
    }
    for (std::uint32_t i = 1; i < count; ++i) {
      if (const auto text = string_at(raw(), btf_params(named.type)[i].name_off); !text.empty()) {
        arguments[i - 1].name = text;
      }
    }
    break;
  }
  return arguments;
}

Btf::Type Btf::resolve(std::uint32_t id) const {
  Stripped stripped = strip(raw(), id);
  Type out;
  out.name = stripped.name;
  if (stripped.type != nullptr && btf_is_fwd(stripped.type)) {
    if (const auto full = find_struct(std::string(string_at(raw(), stripped.type->name_off)))) {
      stripped.type = btf__type_by_id(raw(), *full);
      stripped.id = *full;
    }
  }
  out.id = stripped.id;
  if (stripped.type == nullptr) {
    out.kind = Kind::Void;
    return out;
  }
  const btf_type* type = stripped.type;
  const auto size = btf__resolve_size(raw(), static_cast<std::uint32_t>(stripped.id));
  out.size = size > 0 ? static_cast<std::uint32_t>(size) : 0;
  if (btf_is_int(type)) {
    out.kind = Kind::Integer;
    out.is_signed = (btf_int_encoding(type) & BTF_INT_SIGNED) != 0;
    out.is_char =
        out.size == 1 && ((btf_int_encoding(type) & BTF_INT_CHAR) != 0 || string_at(raw(), type->name_off) == "char");
  } else if (btf_is_ptr(type)) {
    out.kind = Kind::Pointer;
    out.size = static_cast<std::uint32_t>(btf__pointer_size(raw()));
    out.target = type->type;
  } else if (is_composite(type)) {
    out.kind = Kind::Struct;
  } else if (btf_is_array(type)) {
    out.kind = Kind::Array;
    out.target = btf_array(type)->type;
    out.length = btf_array(type)->nelems;
  } else if (btf_is_any_enum(type)) {
    out.kind = Kind::Enum;
    out.is_signed = index_->enum_is_signed(type);
  }
  return out;
}

namespace {

/// Calls `visit(name, member)` for every named member, anonymous structs and unions crossed, until it returns true.
template <class Visit>
bool walk_members(const ::btf* raw, const btf_type* type, std::uint32_t base, int depth, int& budget, Visit&& visit) {
  for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
    if (--budget < 0) {
      return false;
    }
    const btf_member& member = btf_members(type)[i];
    const std::uint32_t offset = base + btf_member_bit_offset(type, i);
    const std::string_view name = string_at(raw, member.name_off);
    if (!name.empty()) {
      if (visit(name, Btf::Member{member.type, offset, btf_member_bitfield_size(type, i)})) {
        return true;
      }
      continue;
    }
    const Stripped inner = strip(raw, member.type);
    if (inner.type != nullptr && is_composite(inner.type) && depth < kMaxNesting &&
        walk_members(raw, inner.type, offset, depth + 1, budget, visit)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<Btf::Member> Btf::member(std::uint32_t structure, const std::string& name) const {
  const Type resolved = resolve(structure);
  if (resolved.kind != Kind::Struct) {
    return {};
  }
  std::optional<Member> found;
  int budget = kMaxMembers;
  walk_members(raw(), btf__type_by_id(raw(), resolved.id), 0, 0, budget,
               [&](std::string_view candidate, const Member& member) {
                 if (candidate != name) {
                   return false;
                 }
                 found = member;
                 return true;
               });
  return found;
}

std::vector<std::string> Btf::member_names(std::uint32_t structure) const {
  std::vector<std::string> names;
  const Type resolved = resolve(structure);
  if (resolved.kind != Kind::Struct) {
    return names;
  }
  int budget = kMaxMembers;
  walk_members(raw(), btf__type_by_id(raw(), resolved.id), 0, 0, budget,
               [&](std::string_view candidate, const Member&) {
                 names.emplace_back(candidate);
                 return false;
               });
  return names;
}

std::optional<std::uint64_t> Btf::enumerator(const std::string& name) const {
  const auto& all = index_->enumerators();
  const auto found = std::lower_bound(all.begin(), all.end(), std::string_view(name),
                                      [this](const Index::Enumerator& entry, std::string_view wanted) {
                                        return string_at(raw(), entry.name) < wanted;
                                      });
  if (found == all.end() || string_at(raw(), found->name) != name) {
    return {};
  }
  return index_->enum_value(btf__type_by_id(raw(), found->type), found->index);
}

std::vector<std::pair<std::uint64_t, std::string>> Btf::enumerators(std::uint32_t type) const {
  std::vector<std::pair<std::uint64_t, std::string>> values;
  const Stripped stripped = strip(raw(), type);
  if (stripped.type == nullptr || !btf_is_any_enum(stripped.type)) {
    return values;
  }
  for (std::uint32_t i = 0; i < btf_vlen(stripped.type); ++i) {
    const std::uint32_t name =
        btf_is_enum(stripped.type) ? btf_enum(stripped.type)[i].name_off : btf_enum64(stripped.type)[i].name_off;
    values.emplace_back(index_->enum_value(stripped.type, i), string_at(raw(), name));
  }
  return values;
}

std::optional<std::uint32_t> Btf::find_typedef(const std::string& name) const {
  const int id = btf__find_by_name_kind(raw(), name.c_str(), BTF_KIND_TYPEDEF);
  return id > 0 ? std::optional(static_cast<std::uint32_t>(id)) : std::nullopt;
}

std::optional<std::uint32_t> Btf::find_struct(const std::string& name) const {
  return name.empty() ? std::nullopt : look_up(index_->structures(), name);
}

}  // namespace tpx::kernel
