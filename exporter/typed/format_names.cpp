#include "typed/format_names.h"

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "expression/tree.h"
#include "typed/compute.h"
#include "typed/syscall_types.h"
#include "typed/user_memory.h"

namespace tpx::typed {

namespace {

using expression::BinaryOp;
using expression::Node;
using kernel::Field;
using schema::ValueType;

constexpr std::uint32_t kDynamicBytes = 72;  ///< room for a dynamic string: 64 bytes and the NUL
constexpr std::uint32_t kLongestBytes = 256;

/// Classic contexts refuse unaligned loads: such a field is put together from its bytes.
TypedExprPtr unaligned(std::uint32_t offset, std::uint32_t size, const ValueType& type) {
  const ValueType wide{ValueType::Kind::Integer, 8, false};
  TypedExprPtr value;
  for (std::uint32_t i = 0; i < size; ++i) {
    TypedExprPtr byte = make_typed(ContextLoad{offset + i, 1, false}, {ValueType::Kind::Integer, 1, false});
    if (i > 0) {
      byte = make_typed(BinaryExpr{BinaryOp::Shl, byte, constant(8 * static_cast<std::int64_t>(i)), false}, wide);
    }
    value = value ? make_typed(BinaryExpr{BinaryOp::BitOr, value, byte, false}, wide) : byte;
  }
  return as_integer(value, type);
}

TypedExprPtr context_integer(std::uint32_t offset, std::uint32_t size, bool is_signed) {
  const ValueType type{ValueType::Kind::Integer, size, is_signed};
  if (offset % size != 0) {
    return unaligned(offset, size, type);
  }
  return make_typed(ContextLoad{offset, size, is_signed}, type);
}

}  // namespace

// ---- what the record and the raw arguments have in common ----------------------------------------------------------------

ValueType FormatNames::integer_type(const Field& field) const {
  return event().syscall && field.size == 8 && is_enter()
             ? syscall_argument_type(field.type)
             : ValueType{ValueType::Kind::Integer, field.size, field.is_signed};
}

std::uint32_t FormatNames::position(const Field& field) const {
  return static_cast<std::uint32_t>(&field - event().format->fields.data());
}

Result<const Field*> FormatNames::find(const std::string& name) const {
  const Field* field = event().format->find(name);
  if (field != nullptr) {
    return field;
  }
  if (name.starts_with("common_")) {
    return fail(event().name + ": field \"" + name + "\" can't be read by a BPF program",
                name == "common_pid" ? "use tid" : "");
  }
  const auto names = event().format->field_names();
  std::string hint = did_you_mean(name, names);
  if (hint.empty() && !names.empty()) {
    hint = "its fields are " + joined(names);
  }
  return fail(event().name + " has no field \"" + name + "\"", hint);
}

/// The argument of a syscall that a chain of members and elements begins with; null where it begins otherwise.
const expression::Argument* FormatNames::syscall_chain(const Node& node) const {
  const Node& root = expression::root_of(node);
  return event().syscall && &root != &node ? std::get_if<expression::Argument>(&root.value) : nullptr;
}

/// `[N]`, `->` and `.` on an argument of a syscall: what its pointer points to, in user memory.
Result<TypedExprPtr> FormatNames::user_chain(const Node& node, const expression::Argument& root) const {
  auto found = find(root.name);
  if (!found) {
    return fail(std::move(found.error()));
  }
  const Field& argument = **found;
  const auto type = user_type(argument.type, event().btf);
  const bool pointer = argument.is_pointer || (type && type->pointers > 0);
  if (!pointer || argument.kind != Field::Kind::Integer || argument.size != 8) {
    return fail("\"args." + root.name + "\" of " + event().name + " is " + argument.type +
                    ", which has no elements and no members",
                "write args." + root.name + " alone");
  }
  auto address = field(Node{root, node.begin, node.end});
  return address ? bind_user_chain(node, argument, *address, event().btf) : address;
}

/// The value of a field, known as an address where its declaration says so.
TypedExprPtr FormatNames::with_address(const TypedExprPtr& value, const Field& field) const {
  if (value->type.kind != ValueType::Kind::Integer || value->type.size != 8) {
    return value;
  }
  if (event().syscall) {
    const auto type = user_type(field.type, event().btf);
    return as_address(value, type ? user_address_of(*type) : field.is_pointer ? AddressOf::User : AddressOf::Nothing);
  }
  return field.is_pointer ? as_address(value, AddressOf::Kernel) : value;
}

Result<TypedExprPtr> FormatNames::field(const Node& node) const {
  if (const auto* root = syscall_chain(node)) {
    return user_chain(node, *root);
  }
  const Node* base = &node;
  std::optional<std::uint32_t> index;
  if (const auto* element = std::get_if<expression::Index>(&node.value)) {
    base = element->base.get();
    index = expression::constant_index(*element->index);
    if (!index) {
      return fail("an element's number must be a constant", "write args.FIELD[0]");
    }
  }
  const auto* argument = std::get_if<expression::Argument>(&base->value);
  if (argument == nullptr) {
    return fail("a field of a tracepoint's record has no members",
                "use raw_tracepoint for kernel structures: raw_tracepoint: " + event().format->name);
  }
  auto found = find(argument->name);
  if (!found) {
    return fail(std::move(found.error()));
  }
  if (index) {
    return element(**found, *index);
  }
  return whole(**found).map([&](const TypedExprPtr& value) { return with_address(value, **found); });
}

// ---- the record ----------------------------------------------------------------------------------------------------------

/// A syscall's field in the record that raw_syscalls has of it.
Result<TypedExprPtr> RecordNames::in_record_of_all_calls(const Field& field) const {
  const Field* place = record_->find(is_enter() ? "args" : "ret");
  const std::uint32_t at = position(field);
  if (place == nullptr || at == 0 || field.kind != Field::Kind::Integer || 8 * at > (is_enter() ? place->size : 8)) {
    return fail("raw_syscalls has no such field");
  }
  const ValueType type = integer_type(field);
  return context_integer(place->offset + 8 * (at - 1), type.size, type.is_signed);
}

/// A __data_loc or __rel_loc field.
Result<TypedExprPtr> RecordNames::location(const Field& field) const {
  if (event().syscall) {
    return fail("field \"" + field.name + "\" of a syscall event holds nothing valid in a BPF program",
                "use str() on the pointer argument instead");
  }
  const std::uint32_t size = field.is_string ? kDynamicBytes : kDynamicBytes - 8;
  return make_typed(LocBytes{field.offset, field.kind == Field::Kind::RelLoc, field.is_string, size},
                    {field.is_string ? ValueType::Kind::String : ValueType::Kind::Bytes, size, false});
}

Result<TypedExprPtr> RecordNames::whole(const Field& field) const {
  if (record_) {
    return in_record_of_all_calls(field);
  }
  switch (field.kind) {
    case Field::Kind::Integer: {
      const ValueType type = integer_type(field);
      return context_integer(field.offset, type.size, type.is_signed);
    }
    case Field::Kind::CharArray:
      return make_typed(ContextBytes{field.offset, std::min(field.size, kLongestBytes)},
                        {ValueType::Kind::String, std::min(field.size, kLongestBytes), false});
    case Field::Kind::Array:
      if (field.size > kLongestBytes) {
        return fail("field \"" + field.name + "\" holds " + std::to_string(field.size) + " bytes, too many for a label",
                    "take one element: args." + field.name + "[0]");
      }
      return make_typed(ContextBytes{field.offset, field.size}, {ValueType::Kind::Bytes, field.size, false});
    case Field::Kind::DataLoc:
    case Field::Kind::RelLoc:
      return location(field);
    case Field::Kind::Other:
      break;
  }
  return fail("field \"" + field.name + "\" of type \"" + field.type + "\" can't be read as a value");
}

Result<TypedExprPtr> RecordNames::element(const Field& field, std::uint32_t index) const {
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

}  // namespace tpx::typed
