#include "typed/user_memory.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <type_traits>

#include "base/text.h"
#include "expression/tree.h"

namespace tpx::typed {

namespace {

using expression::Node;
using kernel::Btf;

constexpr std::uint32_t kLongestBytes = 256;

struct NamedType {
  std::string_view name;
  std::uint32_t size;
  bool is_signed;
};

/// Types of the C language and of the kernel's interface, in 64-bit programs. They are here so that they need no BTF.
constexpr std::array kTypes{
    NamedType{"char", 1, std::is_signed_v<char>},
    NamedType{"signed char", 1, true},
    NamedType{"unsigned char", 1, false},
    NamedType{"short", 2, true},
    NamedType{"unsigned short", 2, false},
    NamedType{"int", 4, true},
    NamedType{"unsigned int", 4, false},
    NamedType{"unsigned", 4, false},
    NamedType{"long", 8, true},
    NamedType{"unsigned long", 8, false},
    NamedType{"long long", 8, true},
    NamedType{"unsigned long long", 8, false},
    NamedType{"s8", 1, true},
    NamedType{"u8", 1, false},
    NamedType{"__u8", 1, false},
    NamedType{"s16", 2, true},
    NamedType{"u16", 2, false},
    NamedType{"__u16", 2, false},
    NamedType{"s32", 4, true},
    NamedType{"u32", 4, false},
    NamedType{"__s32", 4, true},
    NamedType{"__u32", 4, false},
    NamedType{"s64", 8, true},
    NamedType{"u64", 8, false},
    NamedType{"__s64", 8, true},
    NamedType{"__u64", 8, false},
    NamedType{"size_t", 8, false},
    NamedType{"ssize_t", 8, true},
    NamedType{"off_t", 8, true},
    NamedType{"loff_t", 8, true},
    NamedType{"pid_t", 4, true},
    NamedType{"uid_t", 4, false},
    NamedType{"gid_t", 4, false},
    NamedType{"timer_t", 4, true},
    NamedType{"aio_context_t", 8, false},
    NamedType{"__kernel_old_time_t", 8, true},
};

UserType from_btf(std::uint32_t id, const Btf& btf) {
  UserType type;
  type.base = btf.resolve(id);
  while (type.base.kind == Btf::Kind::Pointer) {
    ++type.pointers;
    type.base = btf.resolve(type.base.target);
  }
  return type;
}

bool is_qualifier(std::string_view word) {
  return word == "const" || word == "volatile" || word == "restrict" || word == "__user";
}

std::optional<UserType> named_type(const std::string& name, bool composite, const Btf* btf) {
  UserType type;
  if (name == "void") {
    type.base.kind = Btf::Kind::Void;
    return type;
  }
  const auto* known = std::find_if(kTypes.begin(), kTypes.end(), [&](const NamedType& t) { return t.name == name; });
  if (!composite && known != kTypes.end()) {
    type.base.kind = Btf::Kind::Integer;
    type.base.name = name;
    type.base.size = known->size;
    type.base.is_signed = known->is_signed;
    type.base.is_char = name == "char";
    return type;
  }
  const auto id = btf == nullptr ? std::nullopt : composite ? btf->find_struct(name) : btf->find_typedef(name);
  return id ? std::optional(from_btf(*id, *btf)) : std::nullopt;
}

std::string text_of(const UserType& type) {
  std::string text = type.base.kind == Btf::Kind::Struct ? "struct " : "";
  text += type.base.kind == Btf::Kind::Void ? "void" : type.base.name.empty() ? "unnamed" : type.base.name;
  return text + (type.pointers > 0 ? " " + std::string(type.pointers, '*') : "");
}

/// A value, or a place in user memory whose address is base + offset.
struct Operand {
  TypedExprPtr base;
  UserType type;
  bool place = false;
  std::uint32_t offset = 0;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
};

class UserBinder {
 public:
  UserBinder(const kernel::Field& field, const TypedExprPtr& pointer, const Btf* btf)
      : field_(field), pointer_(pointer), btf_(btf) {}

  Result<TypedExprPtr> bind(const Node& node) {
    auto found = operand(node);
    return found ? value(*found) : Result<TypedExprPtr>(fail(std::move(found.error())));
  }

 private:
  Result<Operand> operand(const Node& node) {
    if (const auto* member = std::get_if<expression::Member>(&node.value)) {
      return member_operand(*member);
    }
    if (const auto* index = std::get_if<expression::Index>(&node.value)) {
      return element_operand(*index);
    }
    auto type = user_type(field_.type, btf_);
    if (!type) {
      return fail("what field \"" + field_.name + "\" of type \"" + field_.type + "\" points to is not known",
                  btf_ == nullptr ? "this kernel offers no type information (BTF)" : "");
    }
    return Operand{pointer_, *type};
  }

  Result<Operand> element_operand(const expression::Index& node) {
    auto base = operand(*node.base);
    if (!base) {
      return base;
    }
    const auto index = expression::constant_index(*node.index);
    if (!index) {
      return fail("an element's number must be a constant", "write args." + field_.name + "[0]");
    }
    const std::string shown = in_quotes(*node.base);
    if (base->type.pointers == 0 && base->type.base.kind == Btf::Kind::Array) {
      return element_of_array(std::move(*base), *index);
    }
    if (base->type.pointers == 0) {
      return fail(shown + " is " + text_of(base->type) + ", which has no elements");
    }
    return pointed(*base, *index, shown);
  }

  Result<Operand> element_of_array(Operand base, std::uint32_t index) {
    if (base.type.base.length > 0 && index >= base.type.base.length) {
      return fail("the array has " + std::to_string(base.type.base.length) + " elements; " + std::to_string(index) +
                  " is beyond the last");
    }
    base.type = from_btf(base.type.base.target, *btf_);
    base.offset += index * base.type.size();
    return base;
  }

  /// Element `index` of what a pointer points to.
  Result<Operand> pointed(const Operand& base, std::uint32_t index, const std::string& shown) {
    UserType type = base.type;
    --type.pointers;
    if (type.size() == 0) {
      return fail(shown + " is " + text_of(base.type) + ", whose elements have no size",
                  "the text there is str(" + shown.substr(1, shown.size() - 2) + ")");
    }
    auto address = value(base);
    if (!address) {
      return fail(std::move(address.error()));
    }
    const std::uint64_t offset = std::uint64_t{index} * type.size();
    if (offset > std::numeric_limits<std::int32_t>::max()) {
      return fail("element " + std::to_string(index) + " of " + shown + " is too far away");
    }
    return Operand{*address, type, true, static_cast<std::uint32_t>(offset)};
  }

  Result<Operand> member_operand(const expression::Member& member) {
    auto base = operand(*member.base);
    if (!base) {
      return base;
    }
    const std::string shown = in_quotes(*member.base);
    if (member.arrow && base->type.pointers == 0) {
      return fail(shown + " is " + text_of(base->type) + ", which is not a pointer",
                  base->type.base.kind == Btf::Kind::Struct ? "write ." + member.name : "");
    }
    if (!member.arrow && base->type.pointers > 0) {
      return fail(shown + " is a pointer", "write ->" + member.name);
    }
    if (member.arrow) {
      base = pointed(*base, 0, shown);
      if (!base) {
        return base;
      }
    }
    if (base->type.pointers > 0 || base->type.base.kind != Btf::Kind::Struct) {
      return fail((member.arrow ? "what " + shown + " points to" : shown) + " is " + text_of(base->type) +
                  ", which has no members");
    }
    const auto found = btf_->member(base->type.base.id, member.name);
    if (!found) {
      const auto names = btf_->member_names(base->type.base.id);
      return fail(text_of(base->type) + " has no member \"" + member.name + "\"", did_you_mean(member.name, names));
    }
    Operand result = std::move(*base);
    result.type = from_btf(found->type, *btf_);
    result.offset += found->bit_offset / 8;
    result.bit_offset = found->bit_size > 0 ? found->bit_offset % 8 : 0;
    result.bit_size = found->bit_size;
    return result;
  }

  /// A bit-field's bytes are loaded from the one that holds its first bit.
  static std::uint32_t load_size(const Operand& operand) {
    std::uint32_t bytes = operand.type.size();
    if (operand.bit_size > 0) {
      bytes = 1;
      while (bytes * 8 < operand.bit_offset + operand.bit_size) {
        bytes *= 2;
      }
    }
    return bytes;
  }

  Result<TypedExprPtr> value(const Operand& operand) {
    if (!operand.place) {
      return operand.base;
    }
    const Btf::Type& base = operand.type.base;
    const bool pointer = operand.type.pointers > 0;
    if (!pointer && base.kind == Btf::Kind::Array) {
      return array(operand);
    }
    if (!pointer && base.kind == Btf::Kind::Struct) {
      std::string hint;
      const auto names = btf_->member_names(base.id);
      for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 6); ++i) {
        hint += (i == 0 ? "take a member: " : ", ") + names[i];
      }
      return fail("this is a " + text_of(operand.type) + ", not a value", hint);
    }
    const std::uint32_t size = load_size(operand);
    if (size != 1 && size != 2 && size != 4 && size != 8) {
      return fail("a value of " + std::to_string(size) + " bytes can't be read");
    }
    const bool is_signed = !pointer && base.is_signed;
    const TypedExprPtr load = make_typed(
        MemoryLoad{operand.base, operand.offset, size, is_signed, false, operand.bit_offset, operand.bit_size, true},
        {schema::ValueType::Kind::Integer, operand.type.size(), is_signed});
    return as_address(load, user_address_of(operand.type));
  }

  Result<TypedExprPtr> array(const Operand& operand) {
    const UserType element = from_btf(operand.type.base.target, *btf_);
    const std::uint64_t size = std::uint64_t{operand.type.base.length} * element.size();
    if (size == 0 || size > kLongestBytes) {
      return fail("an array of " + std::to_string(size) + " bytes can't be a value", "take one element: [0]");
    }
    const bool text = element.pointers == 0 && element.base.is_char;
    return make_typed(MemoryBytes{operand.base, operand.offset, static_cast<std::uint32_t>(size), false, true},
                      {text ? schema::ValueType::Kind::String : schema::ValueType::Kind::Bytes,
                       static_cast<std::uint32_t>(size), false});
  }

  static std::string in_quotes(const Node& node) { return "\"" + expression::to_text(node) + "\""; }

  const kernel::Field& field_;
  const TypedExprPtr& pointer_;
  const Btf* btf_;
};

}  // namespace

std::optional<UserType> user_type(std::string_view declared, const Btf* btf) {
  std::string name;
  unsigned pointers = 0;
  bool composite = false;
  while (!declared.empty()) {
    if (declared.front() == ' ' || declared.front() == '*') {
      pointers += declared.front() == '*' ? 1 : 0;
      declared.remove_prefix(1);
      continue;
    }
    const std::string_view word = declared.substr(0, declared.find_first_of(" *"));
    declared.remove_prefix(word.size());
    if (word == "struct" || word == "union") {
      composite = true;
    } else if (!is_qualifier(word)) {
      name += (name.empty() ? "" : " ") + std::string(word);
    }
  }
  auto type = named_type(name, composite, btf);
  if (!type && composite && pointers > 0) {
    // Without BTF, still a pointer; what it points to has a name and no size.
    type.emplace();
    type->base.name = name;
  }
  if (type) {
    type->pointers += pointers;
  }
  return type;
}

AddressOf user_address_of(const UserType& type) {
  if (type.pointers == 0) {
    return AddressOf::Nothing;
  }
  if (type.pointers > 1) {
    return AddressOf::Pointers;
  }
  return type.base.name == "sockaddr" ? AddressOf::SocketAddress : AddressOf::User;
}

Result<TypedExprPtr> bind_user_chain(const Node& node, const kernel::Field& field, const TypedExprPtr& pointer,
                                     const kernel::Btf* btf) {
  return UserBinder(field, pointer, btf).bind(node);
}

TypedExprPtr user_read_base(const TypedExprPtr& bound) {
  TypedExprPtr base;
  if (const auto* string = std::get_if<PointerString>(&bound->node)) {
    base = string->space == PointerString::Space::User ? string->pointer : nullptr;
  } else if (const auto* address = std::get_if<SocketAddress>(&bound->node)) {
    base = address->pointer;
  } else if (const auto* load = std::get_if<MemoryLoad>(&bound->node)) {
    base = load->user ? load->base : nullptr;
  } else if (const auto* bytes = std::get_if<MemoryBytes>(&bound->node)) {
    base = bytes->user ? bytes->base : nullptr;
  } else if (const auto* shorter = std::get_if<ShortString>(&bound->node)) {
    return user_read_base(shorter->text);
  }
  if (!base) {
    return nullptr;
  }
  TypedExprPtr deeper = user_read_base(base);
  return deeper ? deeper : base;
}

TypedExprPtr with_user_read_base(const TypedExprPtr& bound, const TypedExprPtr& base) {
  const auto below = [&](const TypedExprPtr& inner) {
    return user_read_base(inner) ? with_user_read_base(inner, base) : base;
  };
  TypedExpr moved = *bound;
  if (auto* string = std::get_if<PointerString>(&moved.node)) {
    string->pointer = below(string->pointer);
  } else if (auto* address = std::get_if<SocketAddress>(&moved.node)) {
    address->pointer = below(address->pointer);
  } else if (auto* load = std::get_if<MemoryLoad>(&moved.node)) {
    load->base = below(load->base);
  } else if (auto* bytes = std::get_if<MemoryBytes>(&moved.node)) {
    bytes->base = below(bytes->base);
  } else if (auto* shorter = std::get_if<ShortString>(&moved.node)) {
    shorter->text = with_user_read_base(shorter->text, base);
  }
  return std::make_shared<const TypedExpr>(std::move(moved));
}

}  // namespace tpx::typed
