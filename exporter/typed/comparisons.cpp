#include "typed/comparisons.h"

#include <algorithm>

#include "base/overloaded.h"

namespace tpx::typed {

namespace {

using expression::BinaryOp;
using expression::Node;
using Wide = Side::Wide;

constexpr std::uint32_t kCommLength = 15;  ///< TASK_COMM_LEN less the NUL (include/linux/sched.h)

Side integers(Wide low, Wide high) {
  Side side;
  side.low = low;
  side.high = high;
  return side;
}

Side of_bits(unsigned bits, bool is_signed) {
  const Wide half = Wide{1} << (bits - 1);
  return is_signed ? integers(-half, half - 1) : integers(0, 2 * half - 1);
}

Side of_type(const schema::ValueType& type) {
  return of_bits(8 * std::min(type.size, 8U), type.is_signed);
}

Side constant_side(std::int64_t value, const schema::ValueType& type) {
  const Wide wide = type.is_signed ? Wide{value} : Wide{static_cast<std::uint64_t>(value)};
  return integers(wide, wide);
}

Side strings(std::uint32_t longest) {
  Side side;
  side.longest = longest;
  return side;
}

Side text_side(const std::string& text) {
  Side side = strings(static_cast<std::uint32_t>(text.size()));
  side.text = text;
  return side;
}

bool is_truth(BinaryOp op) {
  return (op >= BinaryOp::Lt && op <= BinaryOp::Ne) || op == BinaryOp::LogicAnd || op == BinaryOp::LogicOr;
}

/// Of `x & MASK`: no more than the mask's bits.
Side masked(std::int64_t mask) {
  Side side = integers(0, static_cast<Wide>(static_cast<std::uint64_t>(mask)));
  side.zero_bits = ~static_cast<std::uint64_t>(mask);
  return side;
}

std::optional<Side> operation(const BinaryExpr& binary) {
  if (is_truth(binary.op)) {
    return integers(0, 1);
  }
  for (const auto* operand : {&binary.left, &binary.right}) {
    const auto* mask = std::get_if<Constant>(&(*operand)->node);
    if (binary.op == BinaryOp::BitAnd && mask != nullptr && mask->value >= 0) {
      return masked(mask->value);
    }
  }
  return std::nullopt;
}

/// The value as the operation sees it: an unsigned one takes negative numbers for large ones.
Side unsigned_side(Side side) {
  constexpr Wide kBeyond = Wide{1} << 64;
  if (side.high < 0) {
    side.low += kBeyond;
    side.high += kBeyond;
  } else if (side.low < 0) {
    side.low = 0;
    side.high = kBeyond - 1;
  }
  return side;
}

std::optional<bool> outcome(BinaryOp op, const Side& left, const Side& right) {
  const auto either = [](bool yes, bool no) {
    return yes ? std::optional(true) : no ? std::optional(false) : std::nullopt;
  };
  switch (op) {
    case BinaryOp::Lt:
      return either(left.high < right.low, left.low >= right.high);
    case BinaryOp::Le:
      return either(left.high <= right.low, left.low > right.high);
    case BinaryOp::Gt:
      return either(left.low > right.high, left.high <= right.low);
    case BinaryOp::Ge:
      return either(left.low >= right.high, left.high < right.low);
    case BinaryOp::Eq:
    case BinaryOp::Ne: {
      const auto outside = [](const Side& constant, const Side& other) {
        return constant.low == constant.high && (static_cast<std::uint64_t>(constant.low) & other.zero_bits) != 0;
      };
      const bool differ =
          left.high < right.low || right.high < left.low || outside(left, right) || outside(right, left);
      return differ ? std::optional(op == BinaryOp::Ne) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::string decimal(Wide value) {
  return value < 0 ? std::to_string(static_cast<std::int64_t>(value))
                   : std::to_string(static_cast<std::uint64_t>(value));
}

std::string shown(const expression::Binary& binary) {
  return "\"" + expression::to_text(*binary.left) + " " + std::string(expression::name(binary.op)) + " " +
         expression::to_text(*binary.right) + "\"";
}

std::string verdict(bool always) {
  return always ? " is always true" : " is never true";
}

bool names_comm(const Node& node) {
  if (const auto* builtin = std::get_if<expression::BuiltinRef>(&node.value)) {
    return builtin->builtin == expression::Builtin::Comm;
  }
  if (const auto* argument = std::get_if<expression::Argument>(&node.value)) {
    return argument->name.ends_with("comm");
  }
  const auto* member = std::get_if<expression::Member>(&node.value);
  return member != nullptr && member->name == "comm";
}

/// A thread's name is in 16 bytes, the last of which is a NUL.
void limit_comm(Side& side, const Node& node) {
  if (side.longest == kCommLength + 1 && names_comm(node)) {
    side.longest = kCommLength;
  }
}

std::optional<Error> judge_text(const expression::Binary& binary, const Side& side, const Node& node,
                                const std::string& text) {
  if (text.size() > side.longest) {
    return Error{shown(binary) + verdict(binary.op == BinaryOp::Ne) + ": " + expression::to_text(node) +
                     " has at most " + std::to_string(side.longest) + " characters",
                 "compare with \"" + text.substr(0, side.longest) + "\""};
  }
  const auto star = text.find('*');
  if (star == std::string::npos) {
    return std::nullopt;
  }
  const bool beginning = star > 0 && star + 1 == text.size();
  return Error{shown(binary) + " compares with the character *, not with a pattern",
               beginning ? "compare the beginning: str(" + expression::to_text(node) + ", " + std::to_string(star) +
                               ") == \"" + text.substr(0, star) + "\""
                         : "a label takes a pattern: match(" + expression::to_text(node) + ", \"…\")"};
}

std::uint32_t longest_of(const TypedExpr& bound) {
  return std::visit(
      Overloaded{
          [](const StringConstant& n) { return static_cast<std::uint32_t>(n.text.size()); },
          [](const BuiltinValue&) { return kCommLength; },
          [](const ContextBytes& n) { return n.size; },
          [](const EntryBytes& n) { return n.size; },
          [](const MemoryBytes& n) { return n.size; },
          [](const LocBytes& n) { return n.size - 1; },
          [](const PointerString& n) { return n.size - 1; },
          [](const ShortString& n) { return n.limit; },
          [](const Conditional& n) { return std::max(longest_of(*n.then_value), longest_of(*n.else_value)); },
          [&](const auto&) { return bound.type.size; },
      },
      bound.node);
}

}  // namespace

void Comparisons::add(const Node& node, const SourceLocation& at, std::optional<Error> fixed) {
  const SourceLocation place = expression::location_of(node, at);
  if (fixed) {
    fixed->location = place;
  }
  add(Place{place.line, place.column, node.end - node.begin}, fixed);
}

void Comparisons::add(const Place& place, const std::optional<Error>& fixed) {
  const auto [at, is_new] = found_.try_emplace(place, fixed);
  if (!is_new && !fixed) {
    at->second.reset();
  }
}

void Comparisons::merge(const Comparisons& other) {
  for (const auto& [place, fixed] : other.found_) {
    add(place, fixed);
  }
}

Errors Comparisons::warnings() const {
  Errors all;
  for (const auto& [place, fixed] : found_) {
    if (fixed) {
      all.push_back(*fixed);
    }
  }
  return all;
}

Side side_of(const TypedExpr& bound) {
  if (bound.type.kind == schema::ValueType::Kind::String) {
    const auto* constant = std::get_if<StringConstant>(&bound.node);
    return constant != nullptr ? text_side(constant->text) : strings(longest_of(bound));
  }
  if (const auto* constant = std::get_if<Constant>(&bound.node)) {
    return constant_side(constant->value, bound.type);
  }
  if (const auto* load = std::get_if<MemoryLoad>(&bound.node); load != nullptr && load->bit_size > 0) {
    return of_bits(load->bit_size, load->is_signed);
  }
  if (const auto* load = std::get_if<EntryLoad>(&bound.node); load != nullptr && load->bit_size > 0) {
    return of_bits(load->bit_size, load->is_signed);
  }
  if (const auto* binary = std::get_if<BinaryExpr>(&bound.node)) {
    return operation(*binary).value_or(of_type(bound.type));
  }
  const auto* unary = std::get_if<UnaryExpr>(&bound.node);
  const bool truth = std::holds_alternative<StringCompare>(bound.node) ||
                     (unary != nullptr && unary->op == expression::UnaryOp::LogicNot);
  return truth ? integers(0, 1) : of_type(bound.type);
}

std::optional<Error> judge_integers(const expression::Binary& binary, const Side& left, const Side& right,
                                    bool is_signed) {
  const bool left_constant = left.low == left.high;
  if (left_constant == (right.low == right.high)) {
    return std::nullopt;
  }
  const auto fixed =
      is_signed ? outcome(binary.op, left, right) : outcome(binary.op, unsigned_side(left), unsigned_side(right));
  if (!fixed) {
    return std::nullopt;
  }
  const Side& other = left_constant ? right : left;
  const Node& node = left_constant ? *binary.right : *binary.left;
  return Error{shown(binary) + verdict(*fixed) + ": " + expression::to_text(node) + " is " +
               (other.zero_bits != 0 ? "one of the bits of " : decimal(other.low) + " to ") + decimal(other.high)};
}

std::optional<Error> judge_strings(const expression::Binary& binary, Side left, Side right) {
  if (left.text && right.text) {
    return std::nullopt;
  }
  limit_comm(left, *binary.left);
  limit_comm(right, *binary.right);
  if (right.text) {
    return judge_text(binary, left, *binary.left, *right.text);
  }
  return left.text ? judge_text(binary, right, *binary.right, *left.text) : std::nullopt;
}

}  // namespace tpx::typed
