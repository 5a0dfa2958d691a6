#include "typed/entry_names.h"

#include <vector>

#include "base/text.h"
#include "base/words.h"

namespace tpx::typed {

namespace {

using expression::Node;
using kernel::Btf;
using schema::ValueType;

constexpr std::uint32_t kLargestBytes = 256;

std::string name_of(EntryArea area) {
  return area == EntryArea::Key ? "key" : "value";
}

}  // namespace

Result<TypedExprPtr> EntryNames::place(const Node& node) const {
  auto found = find(node);
  if (!found) {
    return fail(std::move(found.error()));
  }
  auto value = value_at(*found, *types_.btf);
  return value ? value : fail(std::move(value.error()).with_context("\"" + expression::to_text(node) + "\" "));
}

Result<EntryPlace> EntryNames::find(const Node& node) const {
  if (const auto* argument = std::get_if<expression::Argument>(&node.value)) {
    return root(*argument);
  }
  if (const auto* member = std::get_if<expression::Member>(&node.value)) {
    if (member->arrow) {
      return fail("a map's key and value have no pointers to follow", "write `.` for `->`");
    }
    auto base = find(*member->base);
    return base ? member_of(*base, member->name) : base;
  }
  if (const auto* index = std::get_if<expression::Index>(&node.value)) {
    auto base = find(*index->base);
    return base ? element_of(*base, *index->index) : base;
  }
  return fail("\"" + expression::to_text(node) + "\" is no member of the key or value");
}

Result<EntryPlace> EntryNames::root(const expression::Argument& argument) const {
  if (argument.root == expression::Argument::Root::Args || argument.from) {
    return fail("a metric of an object has no tracepoint's arguments",
                "write key.NAME or value.NAME for a member of the map's key or value");
  }
  EntryPlace whole;
  whole.area = argument.root == expression::Argument::Root::Key ? EntryArea::Key : EntryArea::Value;
  whole.type = whole.area == EntryArea::Key ? types_.key_type : types_.value_type;
  return argument.name.empty() ? whole : member_of(whole, argument.name);
}

Result<EntryPlace> EntryNames::member_of(const EntryPlace& base, const std::string& name) const {
  const Btf& btf = *types_.btf;
  const Btf::Type type = btf.resolve(base.type);
  const std::string whole = "the " + name_of(base.area) + " of map \"" + types_.map + "\"";
  if (type.kind != Btf::Kind::Struct) {
    return fail(whole + " is " + type_text(base.type, btf) + ", it has no members",
                "write `" + name_of(base.area) + "` alone");
  }
  const auto member = btf.member(type.id, name);
  if (!member) {
    const std::vector<std::string> names = btf.member_names(type.id);
    const std::string near = did_you_mean(name, names);
    return fail(whole + ", " + type_text(base.type, btf) + ", has no member \"" + name + "\"",
                near.empty() ? "members are " + joined(names) : near);
  }
  return EntryPlace{base.area, base.bit_offset + member->bit_offset, member->bit_size, member->type};
}

Result<EntryPlace> EntryNames::element_of(const EntryPlace& base, const Node& index) const {
  const Btf::Type type = types_.btf->resolve(base.type);
  const auto* number = std::get_if<expression::IntegerLiteral>(&index.value);
  if (type.kind != Btf::Kind::Array || number == nullptr) {
    return fail("only arrays have elements, by a constant number");
  }
  if (number->value >= type.length) {
    return fail("element " + std::to_string(number->value) + " of an array of " + std::to_string(type.length));
  }
  const Btf::Type element = types_.btf->resolve(type.target);
  return EntryPlace{base.area, base.bit_offset + static_cast<std::uint32_t>(number->value) * element.size * 8, 0,
                    type.target};
}

Result<TypedExprPtr> EntryNames::builtin(expression::Builtin builtin) const {
  const std::string name(expression::name(builtin));
  if (builtin != expression::Builtin::Cpu) {
    return fail("\"" + name + "\" is not known when a map is read",
                "let the program put it into the key and write key." + name);
  }
  if (!types_.per_cpu) {
    return fail("map \"" + types_.map + "\" is not per CPU",
                "make it a per-CPU map, or put the CPU into the key and write key.cpu");
  }
  return make_typed(BuiltinValue{BuiltinValue::Kind::Cpu}, {ValueType::Kind::Integer, 4, false});
}

Result<TypedExprPtr> EntryNames::call(const Node& /*node*/, const expression::Call& call,
                                      const Binder& /*binder*/) const {
  return fail(call.function + "() can't stand inside an expression over a map's rows",
              call.function == "str" ? "a char array is a string already" : "decoders go around the whole label");
}

Result<TypedExprPtr> EntryNames::at_start(const Node& node) const {
  if (const auto* builtin = std::get_if<expression::BuiltinRef>(&node.value)) {
    const std::string name(expression::name(builtin->builtin));
    return fail("\"" + name + "\" is not known when a map is read",
                "let the program put it into the key and write key." + name);
  }
  return place(node);
}

Result<TypedExprPtr> value_at(const EntryPlace& place, const Btf& btf) {
  const Btf::Type type = btf.resolve(place.type);
  const std::uint32_t offset = place.bit_offset / 8;
  switch (type.kind) {
    case Btf::Kind::Integer:
    case Btf::Kind::Enum:
    case Btf::Kind::Pointer: {
      if (type.size > 8) {
        return fail("is " + type_text(place.type, btf) + ", wider than 64 bits");
      }
      EntryLoad integer{place.area, offset, type.size, type.is_signed, 0, 0};
      if (place.bit_size > 0) {
        integer.bit_offset = place.bit_offset % 8;
        integer.bit_size = place.bit_size;
        integer.size = (integer.bit_offset + integer.bit_size + 7) / 8;
      }
      return make_typed(integer, {ValueType::Kind::Integer, type.size, type.is_signed});
    }
    case Btf::Kind::Array: {
      const Btf::Type element = btf.resolve(type.target);
      const std::uint32_t size = element.size * type.length;
      if (size == 0 || size > kLargestBytes) {
        return fail("is " + type_text(place.type, btf) + ", a label takes 1 to " + std::to_string(kLargestBytes) +
                    " bytes");
      }
      return make_typed(EntryBytes{place.area, offset, size},
                        {element.is_char ? ValueType::Kind::String : ValueType::Kind::Bytes, size, false});
    }
    case Btf::Kind::Struct:
      if (type.size == 0 || type.size > kLargestBytes) {
        break;
      }
      return make_typed(EntryBytes{place.area, offset, type.size}, {ValueType::Kind::Bytes, type.size, false});
    case Btf::Kind::Void:
    case Btf::Kind::Other:
      break;
  }
  return fail("is " + type_text(place.type, btf) + ", which no label can hold");
}

std::string type_text(std::uint32_t id, const Btf& btf) {
  const Btf::Type type = btf.resolve(id);
  if (type.kind == Btf::Kind::Array) {
    return type_text(type.target, btf) + "[" + std::to_string(type.length) + "]";
  }
  const std::string name = type.name.empty() ? "an unnamed type" : type.name;
  return type.kind == Btf::Kind::Struct && !type.name.empty() ? "struct " + name : name;
}

}  // namespace tpx::typed
