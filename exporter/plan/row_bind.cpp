#include "plan/row_bind.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/overloaded.h"
#include "base/text.h"
#include "plan/fold.h"

namespace tpx::plan {

namespace {

using expression::BinaryOp;
using expression::Node;
using kernel::Btf;

constexpr std::uint32_t kLargestBytes = 256;

RowValuePtr make(decltype(RowValue::node) node, schema::ValueType type) {
  return std::make_shared<const RowValue>(RowValue{std::move(node), type});
}

Error error_at(const Node& node, const SourceLocation& at, std::string message, std::string hint = {}) {
  return Error{std::move(message), std::move(hint), expression::location_of(node, at)};
}

std::string root_name(RowArea area) {
  return area == RowArea::Key ? "key" : "value";
}

class RowBinder {
 public:
  explicit RowBinder(const RowScope& scope) : scope_(scope) {}

  Result<RowValuePtr> bind(const Node& node) {
    return std::visit(
        Overloaded{
            [&](const expression::IntegerLiteral& n) -> Result<RowValuePtr> {
              const bool is_signed = n.value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
              return make(RowConstant{static_cast<std::int64_t>(n.value)},
                          {schema::ValueType::Kind::Integer, 8, is_signed});
            },
            [&](const expression::StringLiteral& n) -> Result<RowValuePtr> {
              return make(RowText{n.value},
                          {schema::ValueType::Kind::String, static_cast<std::uint32_t>(n.value.size()) + 1, false});
            },
            [&](const expression::BuiltinRef& n) { return builtin(n, node); },
            [&](const expression::Argument&) { return at_place(node); },
            [&](const expression::Member&) { return at_place(node); },
            [&](const expression::Index&) { return at_place(node); },
            [&](const expression::Unary& n) { return unary(n, node); },
            [&](const expression::Binary& n) { return binary(n, node); },
            [&](const expression::Call& n) { return call(n, node); },
        },
        node.value);
  }

  Result<RowPlace> place(const Node& node) {
    if (const auto* argument = std::get_if<expression::Argument>(&node.value)) {
      return root(*argument, node);
    }
    if (const auto* member = std::get_if<expression::Member>(&node.value)) {
      if (member->arrow) {
        return fail(
            error_at(node, scope_.at, "a map's key and value have no pointers to follow", "write `.` for `->`"));
      }
      auto base = place(*member->base);
      return base ? member_of(*base, member->name, node) : base;
    }
    if (const auto* index = std::get_if<expression::Index>(&node.value)) {
      auto base = place(*index->base);
      return base ? element_of(*base, *index->index, node) : base;
    }
    return fail(error_at(node, scope_.at, "\"" + expression::to_text(node) + "\" is no member of the key or value"));
  }

 private:
  Result<RowValuePtr> at_place(const Node& node) {
    auto found = place(node);
    if (!found) {
      return fail(std::move(found.error()));
    }
    auto value = value_at(*found, *scope_.btf);
    if (!value) {
      return fail(std::move(value.error())
                      .with_context("\"" + expression::to_text(node) + "\" ")
                      .at(expression::location_of(node, scope_.at)));
    }
    return value;
  }

  Result<RowPlace> root(const expression::Argument& argument, const Node& node) {
    if (argument.root == expression::Argument::Root::Args || argument.from) {
      return fail(error_at(node, scope_.at, "a metric of an object has no tracepoint's arguments",
                           "write key.NAME or value.NAME for a member of the map's key or value"));
    }
    RowPlace whole;
    whole.area = argument.root == expression::Argument::Root::Key ? RowArea::Key : RowArea::Value;
    whole.type = whole.area == RowArea::Key ? scope_.key_type : scope_.value_type;
    return argument.name.empty() ? whole : member_of(whole, argument.name, node);
  }

  Result<RowPlace> member_of(const RowPlace& base, const std::string& name, const Node& node) {
    const Btf::Type type = scope_.btf->resolve(base.type);
    if (type.kind != Btf::Kind::Struct) {
      return fail(error_at(node, scope_.at,
                           "the " + root_name(base.area) + " of map \"" + scope_.map + "\" is " +
                               type_text(base.type, *scope_.btf) + ", it has no members",
                           "write `" + root_name(base.area) + "` alone"));
    }
    const auto member = scope_.btf->member(type.id, name);
    if (!member) {
      const std::vector<std::string> names = scope_.btf->member_names(type.id);
      std::string list;
      for (const std::string& known : names) {
        list += (list.empty() ? "" : ", ") + known;
      }
      const std::string near = did_you_mean(name, names);
      return fail(error_at(node, scope_.at,
                           "the " + root_name(base.area) + " of map \"" + scope_.map + "\", " +
                               type_text(base.type, *scope_.btf) + ", has no member \"" + name + "\"",
                           near.empty() ? "members are " + list : near));
    }
    return RowPlace{base.area, base.bit_offset + member->bit_offset, member->bit_size, member->type};
  }

  Result<RowPlace> element_of(const RowPlace& base, const Node& index, const Node& node) {
    const Btf::Type type = scope_.btf->resolve(base.type);
    const auto* number = std::get_if<expression::IntegerLiteral>(&index.value);
    if (type.kind != Btf::Kind::Array || number == nullptr) {
      return fail(error_at(node, scope_.at, "only arrays have elements, by a constant number"));
    }
    if (number->value >= type.length) {
      return fail(
          error_at(node, scope_.at,
                   "element " + std::to_string(number->value) + " of an array of " + std::to_string(type.length)));
    }
    const Btf::Type element = scope_.btf->resolve(type.target);
    return RowPlace{base.area, base.bit_offset + static_cast<std::uint32_t>(number->value) * element.size * 8, 0,
                    type.target};
  }

  Result<RowValuePtr> builtin(const expression::BuiltinRef& ref, const Node& node) {
    const std::string name(expression::name(ref.builtin));
    if (ref.builtin != expression::Builtin::Cpu || ref.from) {
      return fail(error_at(node, scope_.at, "\"" + name + "\" is not known when a map is read",
                           "let the program put it into the key and write key." + name));
    }
    if (!scope_.per_cpu) {
      return fail(error_at(node, scope_.at, "map \"" + scope_.map + "\" is not per CPU",
                           "make it a per-CPU map, or put the CPU into the key and write key.cpu"));
    }
    return make(RowCpu{}, {schema::ValueType::Kind::Integer, 4, false});
  }

  void judged(const Node& node, std::optional<Error> fixed) const {
    if (scope_.comparisons != nullptr) {
      scope_.comparisons->add(node, scope_.at, std::move(fixed));
    }
  }

  Result<RowValuePtr> integer(const Node& node) {
    auto value = bind(node);
    if (value && (*value)->type.kind != schema::ValueType::Kind::Integer) {
      return fail(error_at(node, scope_.at, "\"" + expression::to_text(node) + "\" is not an integer"));
    }
    return value;
  }

  static bool signed_64(const RowValue& value) { return value.type.is_signed || value.type.size < 8; }

  Result<RowValuePtr> unary(const expression::Unary& unary, const Node&) {
    auto operand = integer(*unary.operand);
    if (!operand) {
      return operand;
    }
    const bool truth = unary.op == expression::UnaryOp::LogicNot;
    const bool is_signed = unary.op == expression::UnaryOp::Negate || signed_64(**operand);
    const schema::ValueType type =
        truth ? schema::kTruth : schema::ValueType{schema::ValueType::Kind::Integer, 8, is_signed};
    if (const auto* number = std::get_if<RowConstant>(&(*operand)->node)) {
      return make(RowConstant{compute(unary.op, number->value)}, type);
    }
    return make(RowUnary{unary.op, *operand}, type);
  }

  Result<RowValuePtr> binary(const expression::Binary& binary, const Node& node) {
    auto left = bind(*binary.left);
    auto right = left ? bind(*binary.right) : left;
    if (!right) {
      return right;
    }
    const auto is = [](const RowValuePtr& value, schema::ValueType::Kind kind) { return value->type.kind == kind; };
    if (is(*left, schema::ValueType::Kind::String) && is(*right, schema::ValueType::Kind::String) &&
        (binary.op == BinaryOp::Eq || binary.op == BinaryOp::Ne)) {
      judged(node, judge_strings(binary, side_of(**left), side_of(**right)));
      return make(RowCompare{*left, *right, binary.op == BinaryOp::Eq}, schema::kTruth);
    }
    if (!is(*left, schema::ValueType::Kind::Integer) || !is(*right, schema::ValueType::Kind::Integer)) {
      return fail(error_at(node, scope_.at,
                           std::string("\"") + std::string(expression::name(binary.op)) + "\" takes two integers" +
                               (binary.op == BinaryOp::Eq || binary.op == BinaryOp::Ne ? " or two strings" : "")));
    }
    const auto* number = std::get_if<RowConstant>(&(*right)->node);
    if (auto fits = check_right_operand(binary.op, number == nullptr ? std::nullopt : std::optional(number->value));
        !fits) {
      return fail(std::move(fits.error()).at(expression::location_of(*binary.right, scope_.at)));
    }
    const bool shift = binary.op == BinaryOp::Shl || binary.op == BinaryOp::Shr;
    const bool truth = (binary.op >= BinaryOp::Lt && binary.op <= BinaryOp::Ne) || binary.op == BinaryOp::LogicAnd ||
                       binary.op == BinaryOp::LogicOr;
    const bool is_signed = signed_64(**left) && (shift || signed_64(**right));
    judged(node, judge_integers(binary, side_of(**left), side_of(**right), is_signed));
    const schema::ValueType type =
        truth ? schema::kTruth : schema::ValueType{schema::ValueType::Kind::Integer, 8, is_signed};
    const auto* first = std::get_if<RowConstant>(&(*left)->node);
    if (first != nullptr && number != nullptr) {
      return make(RowConstant{compute(binary.op, first->value, number->value, is_signed)}, type);
    }
    return make(RowBinary{binary.op, *left, *right, is_signed}, type);
  }

  Result<RowValuePtr> call(const expression::Call& call, const Node& node) {
    if (call.function != "if") {
      return fail(
          error_at(node, scope_.at, call.function + "() can't stand inside an expression over a map's rows",
                   call.function == "str" ? "a char array is a string already" : "decoders go around the whole label"));
    }
    if (call.arguments.size() != 3) {
      return fail(error_at(node, scope_.at, "if() takes a condition and two values"));
    }
    auto condition = integer(*call.arguments[0]);
    auto yes = condition ? bind(*call.arguments[1]) : condition;
    auto no = yes ? bind(*call.arguments[2]) : yes;
    if (!no) {
      return no;
    }
    schema::ValueType type{schema::ValueType::Kind::Integer, 8, signed_64(**yes) && signed_64(**no)};
    if ((*yes)->type == (*no)->type) {
      type = (*yes)->type;
    }
    if ((*yes)->type.kind != (*no)->type.kind || (*yes)->type.kind == schema::ValueType::Kind::Bytes) {
      return fail(error_at(node, scope_.at, "both values of if() are integers, or both strings"));
    }
    if ((*yes)->type.kind == schema::ValueType::Kind::String) {
      type = {schema::ValueType::Kind::String, std::max((*yes)->type.size, (*no)->type.size), false};
    }
    return make(RowConditional{*condition, *yes, *no}, type);
  }

  const RowScope& scope_;
};

}  // namespace

Result<RowValuePtr> bind_row(const Node& node, const RowScope& scope) {
  return RowBinder(scope).bind(node);
}

Result<RowPlace> find_place(const Node& node, const RowScope& scope) {
  return RowBinder(scope).place(node);
}

Result<RowValuePtr> value_at(const RowPlace& place, const Btf& btf) {
  const Btf::Type type = btf.resolve(place.type);
  const std::uint32_t offset = place.bit_offset / 8;
  switch (type.kind) {
    case Btf::Kind::Integer:
    case Btf::Kind::Enum:
    case Btf::Kind::Pointer: {
      if (type.size > 8) {
        return fail("is " + type_text(place.type, btf) + ", wider than 64 bits");
      }
      RowInteger integer{place.area, offset, type.size, type.is_signed, 0, 0};
      if (place.bit_size > 0) {
        integer.bit_offset = place.bit_offset % 8;
        integer.bit_size = place.bit_size;
        integer.size = (integer.bit_offset + integer.bit_size + 7) / 8;
      }
      return make(integer, {schema::ValueType::Kind::Integer, type.size, type.is_signed});
    }
    case Btf::Kind::Array: {
      const Btf::Type element = btf.resolve(type.target);
      const std::uint32_t size = element.size * type.length;
      if (size == 0 || size > kLargestBytes) {
        return fail("is " + type_text(place.type, btf) + ", a label takes 1 to " + std::to_string(kLargestBytes) +
                    " bytes");
      }
      return make(RowBytes{place.area, offset, size},
                  {element.is_char ? schema::ValueType::Kind::String : schema::ValueType::Kind::Bytes, size, false});
    }
    case Btf::Kind::Struct:
      if (type.size == 0 || type.size > kLargestBytes) {
        break;
      }
      return make(RowBytes{place.area, offset, type.size}, {schema::ValueType::Kind::Bytes, type.size, false});
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

}  // namespace tpx::plan
