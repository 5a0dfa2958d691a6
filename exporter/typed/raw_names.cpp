#include "typed/raw_names.h"

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "expression/tree.h"
#include "typed/mapping_functions.h"

namespace tpx::typed {

namespace {

using expression::Node;
using kernel::Btf;

constexpr std::uint32_t kLongestBytes = 256;

/// A value, or a place in memory whose address is base + offset.
struct Operand {
  TypedExprPtr value;  ///< the value itself, or the base address of a place
  bool place = false;
  std::uint32_t offset = 0;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
  bool direct = true;
  Btf::Type type;
};

/// Follows a chain over the arguments.
class RawWalk {
 public:
  explicit RawWalk(const Event& event) : event_(event), btf_(*event.btf) {}

  Result<Operand> operand(const Node& node) {
    if (const auto* argument = std::get_if<expression::Argument>(&node.value)) {
      return argument_operand(argument->name);
    }
    if (const auto* member = std::get_if<expression::Member>(&node.value)) {
      return member_operand(*member);
    }
    if (const auto* index = std::get_if<expression::Index>(&node.value)) {
      return index_operand(*index);
    }
    if (const auto* call = std::get_if<expression::Call>(&node.value); call != nullptr && call->function == "cast") {
      return cast_operand(*call);
    }
    return fail("only args.NAME has members and elements");
  }

  Result<TypedExprPtr> value(const Operand& operand) {
    return operand.place ? load(operand) : Result<TypedExprPtr>(operand.value);
  }

  /// The bytes of a place.
  Result<TypedExprPtr> bytes(const Operand& operand) {
    const std::uint32_t size = operand.type.kind == Btf::Kind::Array
                                   ? operand.type.length * btf_.resolve(operand.type.target).size
                                   : operand.type.size;
    if (!operand.place || operand.bit_size > 0 || size == 0 || size > kLongestBytes) {
      return fail("this has no bytes");
    }
    return make_typed(MemoryBytes{operand.value, operand.offset, size, operand.direct && !event_.probe_reads},
                      {schema::ValueType::Kind::Bytes, size, false});
  }

 private:
  static std::string type_name(const Btf::Type& type) {
    switch (type.kind) {
      case Btf::Kind::Pointer:
        return "a pointer";
      case Btf::Kind::Struct:
        return type.name.empty() ? "a struct" : "struct " + type.name;
      case Btf::Kind::Array:
        return "an array";
      default:
        return type.name.empty() ? "a value" : type.name;
    }
  }

  /// A pointer argument that kernels refuse to load (btf_ctx_access() in kernel/bpf/btf.c): to functions, pointers, arrays all;
  /// `const void *` before 6.16, to numbers before 5.17.
  bool is_refused(const Btf::Type& type) const {
    return type.kind == Btf::Kind::Pointer && type.target != 0 && btf_.resolve(type.target).kind != Btf::Kind::Struct;
  }

  /// cast(POINTER, "struct"): where the kernel itself knows that a pointer is one to more than its type says, as inet_sk().
  Result<Operand> cast_operand(const expression::Call& call) {
    auto base = operand(*call.arguments.at(0));
    if (!base) {
      return base;
    }
    const auto* name = std::get_if<expression::StringLiteral>(&call.arguments.at(1)->value);
    const std::uint32_t structure = name == nullptr ? 0 : btf_.find_struct(name->value).value_or(0);
    auto pointer = value(*base);
    if (structure == 0 || !pointer || base->type.kind != Btf::Kind::Pointer) {
      return fail("this kernel has no such struct");
    }
    TypedExpr address = **pointer;
    address.trusted = false;
    address.pointee = structure;
    Btf::Type type = base->type;
    type.target = structure;
    return Operand{std::make_shared<const TypedExpr>(std::move(address)), false, 0, 0, 0, false, type};
  }

  Result<Operand> argument_operand(const std::string& name) {
    for (std::size_t i = 0; i < event_.arguments.size(); ++i) {
      if (event_.arguments[i].name == name) {
        const Btf::Type type = btf_.resolve(event_.arguments[i].type);
        if (type.kind == Btf::Kind::Struct || type.kind == Btf::Kind::Array || type.size > 8) {
          return fail("argument \"" + name + "\" is " + type_name(type) +
                      ", which is passed by value and can't be read");
        }
        const ContextArgument leaf{static_cast<std::uint32_t>(i), type.size, type.is_signed, is_refused(type)};
        return Operand{typed(leaf, type, true), false, 0, 0, 0, true, type};
      }
    }
    std::vector<std::string> names;
    for (const auto& argument : event_.arguments) {
      names.push_back(argument.name);
    }
    std::string hint = did_you_mean(name, names);
    if (hint.empty()) {
      hint = names.empty() ? "it has no arguments" : "its arguments are " + joined(names);
    }
    return fail("raw tracepoint " + event_.name + " has no argument \"" + name + "\"", hint);
  }

  /// A register value of a BTF type; pointers to structs are what the verifier follows.
  template <class Leaf>
  TypedExprPtr typed(Leaf leaf, const Btf::Type& type, bool trusted) {
    TypedExpr bound{
        std::move(leaf),
        {schema::ValueType::Kind::Integer, type.kind == Btf::Kind::Pointer ? 8 : type.size, type.is_signed}};
    if (type.kind == Btf::Kind::Pointer) {
      bound.is_pointer = true;
      bound.address_of = AddressOf::Kernel;
      bound.pointee = type.target;
      const bool structure = type.target != 0 && btf_.resolve(type.target).kind == Btf::Kind::Struct;
      bound.trusted = trusted && structure;
    }
    return std::make_shared<const TypedExpr>(std::move(bound));
  }

  Result<Operand> member_operand(const expression::Member& member) {
    auto base = operand(*member.base);
    if (!base) {
      return base;
    }
    if (member.arrow) {
      auto pointed = dereference(*base, member.name);
      if (!pointed) {
        return pointed;
      }
      base = std::move(pointed);
    } else if (base->type.kind == Btf::Kind::Pointer) {
      return fail("\"" + expression::to_text(*member.base) + "\" is a pointer", "write ->" + member.name);
    }
    if (base->type.kind != Btf::Kind::Struct || !base->place) {
      return fail("\"" + expression::to_text(*member.base) + "\" is " + type_name(base->type) + " and has no members");
    }
    const auto found = btf_.member(base->type.id, member.name);
    if (!found) {
      const auto names = btf_.member_names(base->type.id);
      std::string hint = did_you_mean(member.name, names);
      if (hint.empty()) {
        hint = "see its members with: bpftool btf dump file /sys/kernel/btf/vmlinux format c";
      }
      return fail(type_name(base->type) + " has no member \"" + member.name + "\"", hint);
    }
    Operand result = *base;
    result.type = btf_.resolve(found->type);
    result.bit_size = found->bit_size;
    result.bit_offset = 0;
    result.offset += found->bit_offset / 8;
    if (found->bit_size > 0) {
      place_bit_field(result, *found, base->offset);
    }
    return result;
  }

  /// A load that covers a bit-field: the smallest aligned one.
  static void place_bit_field(Operand& operand, const Btf::Member& member, std::uint32_t struct_offset) {
    for (std::uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
      const std::uint32_t unit = bytes * 8;
      const std::uint32_t start = member.bit_offset / unit * unit;
      if (member.bit_offset + member.bit_size <= start + unit) {
        operand.offset = struct_offset + start / 8;
        operand.bit_offset = member.bit_offset - start;
        operand.type.size = bytes;
        return;
      }
    }
  }

  Result<Operand> dereference(const Operand& base, const std::string& what) {
    if (base.type.kind != Btf::Kind::Pointer) {
      return fail("\"->" + what + "\" follows " + type_name(base.type) + ", which is not a pointer",
                  base.type.kind == Btf::Kind::Struct ? "write ." + what : "");
    }
    auto pointer = value(base);
    if (!pointer) {
      return fail(std::move(pointer.error()));
    }
    const Btf::Type target = btf_.resolve(base.type.target);
    if (target.kind == Btf::Kind::Void) {
      return fail("a void pointer has no members");
    }
    return Operand{*pointer, true, 0, 0, 0, (*pointer)->trusted, target};
  }

  Result<Operand> index_operand(const expression::Index& node) {
    auto base = operand(*node.base);
    if (!base) {
      return base;
    }
    const auto index = expression::constant_index(*node.index);
    if (!index) {
      return fail("an element's number must be a constant");
    }
    if (base->type.kind == Btf::Kind::Array && base->place) {
      if (base->type.length > 0 && *index >= base->type.length) {
        return fail("the array has " + std::to_string(base->type.length) + " elements; " + std::to_string(*index) +
                    " is beyond the last");
      }
      Operand result = *base;
      result.type = btf_.resolve(base->type.target);
      result.offset += *index * result.type.size;
      return result;
    }
    if (base->type.kind == Btf::Kind::Pointer) {
      auto pointed = dereference(*base, "[" + std::to_string(*index) + "]");
      if (!pointed) {
        return pointed;
      }
      pointed->offset = *index * pointed->type.size;
      pointed->direct = pointed->direct && *index == 0;
      return pointed;
    }
    return fail(type_name(base->type) + " has no elements");
  }

  Result<TypedExprPtr> load(const Operand& operand) {
    const bool direct = operand.direct && !event_.probe_reads;
    const Btf::Type& type = operand.type;
    if (type.kind == Btf::Kind::Array) {
      return load_array(operand, direct);
    }
    if (type.kind == Btf::Kind::Struct) {
      return fail("\"" + (type.name.empty() ? std::string("this") : type.name) + "\" is a struct, not a value",
                  members_hint(type));
    }
    const std::uint32_t size = type.kind == Btf::Kind::Pointer ? 8 : type.size;
    if (size != 1 && size != 2 && size != 4 && size != 8) {
      return fail(type_name(type) + " of " + std::to_string(size) + " bytes can't be read as a value");
    }
    return typed(
        MemoryLoad{operand.value, operand.offset, size, type.is_signed, direct, operand.bit_offset, operand.bit_size},
        type, direct);
  }

  std::string members_hint(const Btf::Type& type) {
    const auto names = btf_.member_names(type.id);
    std::string hint;
    for (std::size_t i = 0; i < names.size() && i < 6; ++i) {
      hint += (i == 0 ? "take a member: " : ", ") + names[i];
    }
    return hint;
  }

  Result<TypedExprPtr> load_array(const Operand& operand, bool direct) {
    const Btf::Type element = btf_.resolve(operand.type.target);
    const std::uint32_t size = operand.type.length * element.size;
    if (size == 0 || size > kLongestBytes) {
      return fail("an array of " + std::to_string(size) + " bytes can't be a value", "take one element: [0]");
    }
    const auto kind = element.is_char ? schema::ValueType::Kind::String : schema::ValueType::Kind::Bytes;
    return make_typed(MemoryBytes{operand.value, operand.offset, size, direct}, {kind, size, false});
  }

  const Event& event_;
  const Btf& btf_;
};

}  // namespace

Result<TypedExprPtr> RawNames::field(const Node& node) const {
  RawWalk walk(event());
  auto operand = walk.operand(node);
  return operand ? walk.value(*operand) : Result<TypedExprPtr>(fail(std::move(operand.error())));
}

bool RawNames::has_root(const Node& root) const {
  const auto* call = std::get_if<expression::Call>(&root.value);
  return functions_ && call != nullptr && call->function == "cast";
}

Result<TypedExprPtr> RawNames::call(const Node& node, const expression::Call& call, const Binder& binder) const {
  return functions_ && is_mapping_function(call.function) ? bind_mapping_function(call, *this, binder)
                                                          : EventNames::call(node, call, binder);
}

Result<TypedExprPtr> RawNames::bytes(const Node& node) const {
  RawWalk walk(event());
  auto operand = walk.operand(node);
  return operand ? walk.bytes(*operand) : Result<TypedExprPtr>(fail(std::move(operand.error())));
}

std::optional<Btf::Type> RawNames::type_of(const Node& node) const {
  auto operand = RawWalk(event()).operand(node);
  return operand ? std::optional(operand->type) : std::nullopt;
}

}  // namespace tpx::typed
