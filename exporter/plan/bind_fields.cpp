#include "plan/bind_fields.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "plan/field_table.h"
#include "plan/syscall_types.h"
#include "plan/user_memory.h"

namespace tpx::plan {

namespace {

using expression::BinaryOp;
using expression::Node;
using kernel::Btf;
using kernel::Field;

constexpr std::uint32_t kDynamicBytes = 72;  ///< room for a dynamic string: 64 bytes and the NUL
constexpr std::uint32_t kLongestBytes = 256;

std::optional<std::uint32_t> constant_index(const Node& node) {
  const auto* literal = std::get_if<expression::IntegerLiteral>(&node.value);
  if (literal == nullptr || literal->value > std::numeric_limits<std::uint16_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(literal->value);
}

// ---- fields of a format -------------------------------------------------------------------------------------------

/// Classic contexts refuse unaligned loads: such a field is put together from its bytes.
BoundPtr unaligned(std::uint32_t offset, std::uint32_t size, const schema::ValueType& type) {
  const schema::ValueType wide{schema::ValueType::Kind::Integer, 8, false};
  BoundPtr value;
  for (std::uint32_t i = 0; i < size; ++i) {
    BoundPtr byte = make_bound(ContextLoad{offset + i, 1, false}, {schema::ValueType::Kind::Integer, 1, false});
    if (i > 0) {
      byte = make_bound(BoundBinary{BinaryOp::Shl, byte, constant(8 * static_cast<std::int64_t>(i)), false}, wide);
    }
    value = value ? make_bound(BoundBinary{BinaryOp::BitOr, value, byte, false}, wide) : byte;
  }
  return as_integer(value, type);
}

BoundPtr context_integer(std::uint32_t offset, std::uint32_t size, bool is_signed) {
  const schema::ValueType type{schema::ValueType::Kind::Integer, size, is_signed};
  if (offset % size != 0) {
    return unaligned(offset, size, type);
  }
  return make_bound(ContextLoad{offset, size, is_signed}, type);
}

/// What a field of the record is as a value. Little-endian: the lower half of a register comes first.
schema::ValueType integer_type(const Field& field, const Scope& scope) {
  const bool argument = scope.syscall && field.size == 8 && scope.format->name.starts_with("sys_enter_");
  return argument ? syscall_argument_type(field.type)
                  : schema::ValueType{schema::ValueType::Kind::Integer, field.size, field.is_signed};
}

Result<BoundPtr> classic_field(const Field& field, const Scope& scope) {
  switch (field.kind) {
    case Field::Kind::Integer: {
      const schema::ValueType type = integer_type(field, scope);
      return context_integer(field.offset, type.size, type.is_signed);
    }
    case Field::Kind::CharArray:
      return make_bound(ContextBytes{field.offset, std::min(field.size, kLongestBytes)},
                        {schema::ValueType::Kind::String, std::min(field.size, kLongestBytes), false});
    case Field::Kind::Array:
      if (field.size > kLongestBytes) {
        return fail("field \"" + field.name + "\" holds " + std::to_string(field.size) + " bytes, too many for a label",
                    "take one element: args." + field.name + "[0]");
      }
      return make_bound(ContextBytes{field.offset, field.size}, {schema::ValueType::Kind::Bytes, field.size, false});
    case Field::Kind::DataLoc:
    case Field::Kind::RelLoc: {
      if (scope.syscall) {
        return fail("field \"" + field.name + "\" of a syscall event holds nothing valid in a BPF program",
                    "use str() on the pointer argument instead");
      }
      const std::uint32_t size = field.is_string ? kDynamicBytes : kDynamicBytes - 8;
      return make_bound(
          LocBytes{field.offset, field.kind == Field::Kind::RelLoc, field.is_string, size},
          {field.is_string ? schema::ValueType::Kind::String : schema::ValueType::Kind::Bytes, size, false});
    }
    case Field::Kind::Other:
      return fail("field \"" + field.name + "\" of type \"" + field.type + "\" can't be read as a value");
  }
  return fail("field \"" + field.name + "\" can't be read");
}

Result<BoundPtr> classic_element(const Field& field, std::uint32_t index) {
  if (field.kind != Field::Kind::Array && field.kind != Field::Kind::CharArray) {
    return fail("field \"" + field.name + "\" is not an array of fixed length",
                "leave out [" + std::to_string(index) + "]");
  }
  if (index >= field.length) {
    return fail("field \"" + field.name + "\" has " + std::to_string(field.length) + " elements; " +
                std::to_string(index) + " is beyond the last");
  }
  if (field.element_size != 1 && field.element_size != 2 && field.element_size != 4 && field.element_size != 8) {
    return fail("elements of field \"" + field.name + "\" can't be read as integers");
  }
  return context_integer(field.offset + index * field.element_size, field.element_size, field.is_signed);
}

Result<const Field*> find_field(const std::string& name, const Scope& scope) {
  const Field* field = scope.format->find(name);
  if (field != nullptr) {
    return field;
  }
  if (name.starts_with("common_")) {
    return fail(scope.event + ": field \"" + name + "\" can't be read by a BPF program",
                name == "common_pid" ? "use tid" : "");
  }
  const auto names = scope.format->field_names();
  std::string hint = did_you_mean(name, names);
  if (hint.empty() && !names.empty()) {
    hint = "its fields are ";
    for (std::size_t i = 0; i < names.size(); ++i) {
      hint += (i == 0 ? "" : ", ") + names[i];
    }
  }
  return fail(scope.event + " has no field \"" + name + "\"", hint);
}

/// The argument of a system call that a chain of members and elements begins with; null where it begins otherwise.
const expression::Argument* syscall_chain(const Node& node, const Scope& scope) {
  const bool chain =
      std::holds_alternative<expression::Member>(node.value) || std::holds_alternative<expression::Index>(node.value);
  const Node* root = &node;
  while (chain && !std::holds_alternative<expression::Argument>(root->value)) {
    const auto* member = std::get_if<expression::Member>(&root->value);
    const auto* index = std::get_if<expression::Index>(&root->value);
    if (member == nullptr && index == nullptr) {
      return nullptr;
    }
    root = member != nullptr ? member->base.get() : index->base.get();
  }
  return chain && scope.syscall ? std::get_if<expression::Argument>(&root->value) : nullptr;
}

Result<BoundPtr> bind_format_field(const Node& node, const Scope& scope);

/// `[N]`, `->` and `.` on an argument of a system call: what its pointer points to, in user memory.
Result<BoundPtr> bind_syscall_chain(const Node& node, const expression::Argument& root, const Scope& scope) {
  auto field = find_field(root.name, scope);
  if (!field) {
    return fail(std::move(field.error()));
  }
  const std::string shown = "\"args." + root.name + "\" of " + scope.event;
  const auto type = user_type((*field)->type, scope.btf);
  const bool pointer = (*field)->is_pointer || (type && type->pointers > 0);
  if (!pointer || (*field)->kind != Field::Kind::Integer || (*field)->size != 8) {
    return fail(shown + " is " + (*field)->type + ", which has no elements and no members",
                "write args." + root.name + " alone");
  }
  auto address = bind_format_field(Node{root, node.begin, node.end}, scope);
  return address ? bind_user_chain(node, **field, *address, scope) : address;
}

/// The value of a field, known as an address where its declaration says so.
BoundPtr with_address(const BoundPtr& value, const Field& field, const Scope& scope) {
  if (value->type.kind != schema::ValueType::Kind::Integer || value->type.size != 8) {
    return value;
  }
  if (scope.syscall) {
    const auto type = user_type(field.type, scope.btf);
    return as_address(value, type ? user_address_of(*type) : field.is_pointer ? AddressOf::User : AddressOf::Nothing);
  }
  return field.is_pointer ? as_address(value, AddressOf::Kernel) : value;
}

/// A system call's field in the record that raw_syscalls has of it.
Result<BoundPtr> syscall_field(const Field& field, const Scope& scope) {
  // 0 and 1 of the event's fields: __syscall_nr, then the arguments (or ret) in order.
  const auto position = static_cast<std::uint32_t>(&field - scope.format->fields.data());
  const bool enter = scope.format->name.starts_with("sys_enter_");
  const Field* place = scope.record->find(enter ? "args" : "ret");
  if (place == nullptr || position == 0 || field.kind != Field::Kind::Integer ||
      8 * position > (enter ? place->size : 8)) {
    return fail("raw_syscalls has no such field");
  }
  const schema::ValueType type = integer_type(field, scope);
  return context_integer(place->offset + 8 * (position - 1), type.size, type.is_signed);
}

Result<BoundPtr> bind_format_field(const Node& node, const Scope& scope) {
  if (const auto* root = syscall_chain(node, scope)) {
    return bind_syscall_chain(node, *root, scope);
  }
  const Node* base = &node;
  std::optional<std::uint32_t> index;
  if (const auto* element = std::get_if<expression::Index>(&node.value)) {
    base = element->base.get();
    index = constant_index(*element->index);
    if (!index) {
      return fail("an element's number must be a constant", "write args.FIELD[0]");
    }
  }
  const auto* argument = std::get_if<expression::Argument>(&base->value);
  if (argument == nullptr) {
    return fail("a field of a tracepoint's record has no members",
                "use raw_tracepoint for kernel structures: raw_tracepoint: " + scope.format->name);
  }
  auto field = find_field(argument->name, scope);
  if (!field) {
    return fail(std::move(field.error()));
  }
  if (scope.record != nullptr) {
    return syscall_field(**field, scope).map([&](const BoundPtr& bound) {
      return with_address(bound, **field, scope);
    });
  }
  if (scope.mode == Scope::Mode::Classic) {
    if (index) {
      return classic_element(**field, *index);
    }
    return classic_field(**field, scope).map([&](const BoundPtr& bound) {
      return with_address(bound, **field, scope);
    });
  }
  if (scope.syscall) {
    // 0 and 1 of the record's fields: __syscall_nr, then the arguments (or ret) in order.
    const auto position = static_cast<unsigned>(*field - scope.format->fields.data());
    const bool enter = scope.format->name.starts_with("sys_enter_");
    if (position == 0 || (*field)->kind != Field::Kind::Integer) {
      return fail("no row for this field");
    }
    const std::string row = enter ? std::string(syscall_argument(position - 1)) : "args.ret";
    auto parsed = expression::parse(row, {});
    Scope raw = scope;
    raw.mode = Scope::Mode::Raw;
    raw.internal = true;
    return parsed ? bind(**parsed, raw).map([&](const BoundPtr& bound) {
      return with_address(as_integer(bound, integer_type(**field, scope)), **field, scope);
    })
                  : fail("no row for this field");
  }
  if (index) {
    if (scope.format->full_name() != "raw_syscalls/sys_enter" || *index >= (*field)->length) {
      return fail("no row for this element");
    }
    auto parsed = expression::parse(syscall_argument(*index), {});
    Scope raw = scope;
    raw.mode = Scope::Mode::Raw;
    return parsed ? bind(**parsed, raw) : fail("no row for this element");
  }
  return map_field(**field, scope).map([&](const BoundPtr& bound) { return with_address(bound, **field, scope); });
}

// ---- arguments of a raw tracepoint ----------------------------------------------------------------------------------

/// A value, or a place in memory whose address is base + offset.
struct Operand {
  BoundPtr value;  ///< the value itself, or the base address of a place
  bool place = false;
  std::uint32_t offset = 0;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
  bool direct = true;
  Btf::Type type;
};

class RawBinder {
 public:
  explicit RawBinder(const Scope& scope) : scope_(scope), btf_(*scope.btf) {}

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

  Result<BoundPtr> value(const Operand& operand) {
    return operand.place ? load(operand) : Result<BoundPtr>(operand.value);
  }

  /// The bytes of a place.
  Result<BoundPtr> bytes(const Operand& operand) {
    const std::uint32_t size = operand.type.kind == Btf::Kind::Array
                                   ? operand.type.length * btf_.resolve(operand.type.target).size
                                   : operand.type.size;
    if (!operand.place || operand.bit_size > 0 || size == 0 || size > kLongestBytes) {
      return fail("this has no bytes");
    }
    return make_bound(MemoryBytes{operand.value, operand.offset, size, operand.direct && !scope_.probe_reads},
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
    Bound address = **pointer;
    address.trusted = false;
    address.pointee = structure;
    Btf::Type type = base->type;
    type.target = structure;
    return Operand{std::make_shared<const Bound>(std::move(address)), false, 0, 0, 0, false, type};
  }

  Result<Operand> argument_operand(const std::string& name) {
    for (std::size_t i = 0; i < scope_.arguments.size(); ++i) {
      if (scope_.arguments[i].name == name) {
        const Btf::Type type = btf_.resolve(scope_.arguments[i].type);
        if (type.kind == Btf::Kind::Struct || type.kind == Btf::Kind::Array || type.size > 8) {
          return fail("argument \"" + name + "\" is " + type_name(type) +
                      ", which is passed by value and can't be read");
        }
        const ContextArgument leaf{static_cast<std::uint32_t>(i), type.size, type.is_signed, is_refused(type)};
        return Operand{typed(leaf, type, true), false, 0, 0, 0, true, type};
      }
    }
    std::vector<std::string> names;
    std::string list;
    for (const auto& argument : scope_.arguments) {
      names.push_back(argument.name);
      list += (list.empty() ? "" : ", ") + argument.name;
    }
    std::string hint = did_you_mean(name, names);
    if (hint.empty()) {
      hint = names.empty() ? "it has no arguments" : "its arguments are " + list;
    }
    return fail("raw tracepoint " + scope_.event + " has no argument \"" + name + "\"", hint);
  }

  /// A register value of a BTF type; pointers to structs are what the verifier follows.
  template <class Leaf>
  BoundPtr typed(Leaf leaf, const Btf::Type& type, bool trusted) {
    Bound bound{std::move(leaf),
                {schema::ValueType::Kind::Integer, type.kind == Btf::Kind::Pointer ? 8 : type.size, type.is_signed}};
    if (type.kind == Btf::Kind::Pointer) {
      bound.is_pointer = true;
      bound.address_of = AddressOf::Kernel;
      bound.pointee = type.target;
      const bool structure = type.target != 0 && btf_.resolve(type.target).kind == Btf::Kind::Struct;
      bound.trusted = trusted && structure;
    }
    return std::make_shared<const Bound>(std::move(bound));
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
    const auto index = constant_index(*node.index);
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

  Result<BoundPtr> load(const Operand& operand) {
    const bool direct = operand.direct && !scope_.probe_reads;
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

  Result<BoundPtr> load_array(const Operand& operand, bool direct) {
    const Btf::Type element = btf_.resolve(operand.type.target);
    const std::uint32_t size = operand.type.length * element.size;
    if (size == 0 || size > kLongestBytes) {
      return fail("an array of " + std::to_string(size) + " bytes can't be a value", "take one element: [0]");
    }
    const auto kind = element.is_char ? schema::ValueType::Kind::String : schema::ValueType::Kind::Bytes;
    return make_bound(MemoryBytes{operand.value, operand.offset, size, direct}, {kind, size, false});
  }

  const Scope& scope_;
  const Btf& btf_;
};

}  // namespace

Result<BoundPtr> bind_field(const Node& node, const Scope& scope) {
  if (scope.mode != Scope::Mode::Raw) {
    return bind_format_field(node, scope);
  }
  RawBinder binder(scope);
  auto operand = binder.operand(node);
  if (!operand) {
    return fail(std::move(operand.error()));
  }
  return binder.value(*operand);
}

Result<BoundPtr> bind_bytes(const Node& node, const Scope& scope) {
  RawBinder binder(scope);
  auto operand = binder.operand(node);
  return operand ? binder.bytes(*operand) : Result<BoundPtr>(fail(std::move(operand.error())));
}

std::optional<Btf::Type> raw_type(const Node& node, const Scope& scope) {
  if (scope.mode != Scope::Mode::Raw) {
    return std::nullopt;
  }
  auto operand = RawBinder(scope).operand(node);
  return operand ? std::optional(operand->type) : std::nullopt;
}

}  // namespace tpx::plan
