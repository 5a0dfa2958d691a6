#include "support/reference.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace tpx::test {

using expression::BinaryOp;
using expression::Builtin;
using Kind = schema::ValueType::Kind;

namespace {

constexpr std::size_t kDynamicText = 71;
constexpr std::size_t kDynamicBytes = 64;

Value integer(std::int64_t value, std::uint32_t size, bool is_signed) {
  return {{Kind::Integer, size, is_signed}, value, {}};
}
Value truth(bool value) {
  return integer(value ? 1 : 0, 1, false);
}
Value text(std::string value) {
  value.resize(std::strlen(value.c_str()));
  return {{Kind::String, 0, false}, 0, std::move(value)};
}
Value bytes(std::string value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  return {{Kind::Bytes, size, false}, 0, std::move(value)};
}

/// As C's arithmetic in 64 bits: only an unsigned 64-bit operand is unsigned.
bool is_unsigned(const Value& value) {
  return value.type.size == 8 && !value.type.is_signed;
}

std::string slice(const Bytes& record, std::size_t offset, std::size_t size) {
  return {reinterpret_cast<const char*>(record.data()) + offset, size};
}

/// What the word of a __data_loc or __rel_loc points to.
std::string pointed(const Event& event, const RecordedField& field) {
  const auto word = static_cast<std::uint64_t>(integer_at(event.record, field.offset, 4, false));
  const std::size_t base = field.kind == RecordedField::Kind::RelLoc ? field.offset + 4 : 0;
  return slice(event.record, base + (word & 0xffffU), word >> 16U);
}

const RecordedField& field_of(const Event& event, const std::string& name) {
  const RecordedField* field = event.recorded->find(name);
  if (field == nullptr) {
    throw std::runtime_error("no field " + name);
  }
  return *field;
}

/// An argument of a system call has the type of its C prototype: the record holds the whole register, in 8 bytes.
CInteger integer_type(const Event& event, const RecordedField& field) {
  const std::string tracepoint = event.format->full_name();
  const bool argument = tracepoint.starts_with("syscalls/sys_enter_") && field.size == 8;
  return argument ? event.types->scalar(field.type) : CInteger{field.size, field.is_signed};
}

template <class T>
std::int64_t divide(BinaryOp op, T left, T right) {
  if (right == 0) {
    return op == BinaryOp::Div ? 0 : static_cast<std::int64_t>(left);
  }
  if (static_cast<std::int64_t>(right) == -1 && std::numeric_limits<T>::is_signed) {
    return op == BinaryOp::Div ? static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(left)) : 0;
  }
  return static_cast<std::int64_t>(op == BinaryOp::Div ? left / right : left % right);
}

template <class T>
bool compares(BinaryOp op, T left, T right) {
  switch (op) {
    case BinaryOp::Lt:
      return left < right;
    case BinaryOp::Le:
      return left <= right;
    case BinaryOp::Gt:
      return left > right;
    case BinaryOp::Ge:
      return left >= right;
    case BinaryOp::Eq:
      return left == right;
    default:
      return left != right;
  }
}

std::int64_t arithmetic(BinaryOp op, std::uint64_t left, std::uint64_t right, bool is_signed) {
  const auto result = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  switch (op) {
    case BinaryOp::Add:
      return result(left + right);
    case BinaryOp::Sub:
      return result(left - right);
    case BinaryOp::Mul:
      return result(left * right);
    case BinaryOp::Div:
    case BinaryOp::Mod:
      return is_signed ? divide(op, result(left), result(right)) : divide(op, left, right);
    case BinaryOp::Shl:
      return result(left << (right % 64));
    case BinaryOp::Shr:
      return is_signed ? result(left) >> (right % 64) : result(left >> (right % 64));
    case BinaryOp::BitAnd:
      return result(left & right);
    case BinaryOp::BitXor:
      return result(left ^ right);
    case BinaryOp::BitOr:
      return result(left | right);
    default:
      throw std::runtime_error("no arithmetic");
  }
}

}  // namespace

const Event& Reference::origin(bool from) const {
  if (from && start_ == nullptr) {
    throw std::runtime_error("from. outside of a pair's end");
  }
  return from ? *start_ : event_;
}

Value Reference::builtin(Builtin builtin, bool from) const {
  const Event& event = origin(from);
  switch (builtin) {
    case Builtin::Pid:
      return integer(event.pid, 4, false);
    case Builtin::Tid:
      return integer(event.tid, 4, false);
    case Builtin::Ppid:
      return integer(event.ppid, 4, false);
    case Builtin::Uid:
      return integer(event.uid, 4, false);
    case Builtin::Gid:
      return integer(event.gid, 4, false);
    case Builtin::Cpu:
      return integer(event.cpu, 4, false);
    case Builtin::Cgroup:
      return integer(static_cast<std::int64_t>(event.cgroup), 8, false);
    case Builtin::Nsecs:
      return integer(static_cast<std::int64_t>(event.nanoseconds), 8, false);
    case Builtin::Comm:
      return text(event.comm);
    case Builtin::Probe:
      return integer(0, 4, false);
  }
  throw std::runtime_error("unknown builtin");
}

Value Reference::field(const expression::Argument& argument) const {
  const Event& event = origin(argument.from);
  const RecordedField& field = field_of(event, argument.name);
  switch (field.kind) {
    case RecordedField::Kind::Integer: {
      const CInteger type = integer_type(event, field);
      return integer(integer_at(event.record, field.offset, type.size, type.is_signed), type.size, type.is_signed);
    }
    case RecordedField::Kind::Text:
      return text(slice(event.record, field.offset, std::min(field.size, 256U)));
    case RecordedField::Kind::Array:
      return bytes(slice(event.record, field.offset, field.size));
    case RecordedField::Kind::DataLoc:
    case RecordedField::Kind::RelLoc: {
      std::string content = pointed(event, field);
      if (field.type == "char") {
        return text(text(content).text.substr(0, kDynamicText));
      }
      content.resize(kDynamicBytes);
      return bytes(content);
    }
    case RecordedField::Kind::Unreadable:
      break;
  }
  throw std::runtime_error("unreadable field " + argument.name);
}

Value Reference::element(const expression::Index& index) const {
  const auto& argument = std::get<expression::Argument>(index.base->value);
  const Event& event = origin(argument.from);
  const RecordedField& field = field_of(event, argument.name);
  // `char comm[16]`: as many as it says; where it says a macro's name, as many as fit.
  const bool counted = !field.length.empty() && field.length.find_first_not_of("0123456789") == std::string::npos;
  const auto size = static_cast<std::uint32_t>(counted ? field.size / std::stoul(field.length)
                                                       : event.types->scalar(field.type).size);
  const std::uint64_t number = std::get<expression::IntegerLiteral>(index.index->value).value;
  if (field.length.empty() || size * (number + 1) > field.size) {
    throw std::runtime_error("no element of " + argument.name);
  }
  return integer(integer_at(event.record, field.offset + number * size, size, field.is_signed), size, field.is_signed);
}

Value Reference::unary(const expression::Unary& unary) const {
  const Value operand = evaluate(*unary.operand);
  switch (unary.op) {
    case expression::UnaryOp::Negate:
      return integer(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(operand.integer)), 8, true);
    case expression::UnaryOp::BitNot:
      return integer(~operand.integer, 8, !is_unsigned(operand));
    case expression::UnaryOp::LogicNot:
      return truth(operand.integer == 0);
  }
  throw std::runtime_error("unknown operator");
}

Value Reference::binary(const expression::Binary& binary) const {
  const Value left = evaluate(*binary.left);
  const Value right = evaluate(*binary.right);
  if (left.type.kind == Kind::String) {
    return truth((left.text == right.text) == (binary.op == BinaryOp::Eq));
  }
  if (binary.op == BinaryOp::LogicAnd) {
    return truth(left.integer != 0 && right.integer != 0);
  }
  if (binary.op == BinaryOp::LogicOr) {
    return truth(left.integer != 0 || right.integer != 0);
  }
  const auto a = static_cast<std::uint64_t>(left.integer);
  const auto b = static_cast<std::uint64_t>(right.integer);
  const bool shift = binary.op == BinaryOp::Shl || binary.op == BinaryOp::Shr;
  const bool is_signed = !is_unsigned(left) && (shift || !is_unsigned(right));
  if (binary.op >= BinaryOp::Lt && binary.op <= BinaryOp::Ne) {
    return truth(is_signed ? compares(binary.op, left.integer, right.integer) : compares(binary.op, a, b));
  }
  return integer(arithmetic(binary.op, a, b, is_signed), 8, is_signed);
}

Value Reference::call(const expression::Call& call) const {
  if (call.function == "if") {
    const Value yes = evaluate(*call.arguments.at(1));
    const Value no = evaluate(*call.arguments.at(2));
    Value chosen = evaluate(*call.arguments.at(0)).integer != 0 ? yes : no;
    if (chosen.type.kind == Kind::Integer && !(yes.type == no.type)) {
      chosen.type = {Kind::Integer, 8, !is_unsigned(yes) && !is_unsigned(no)};
    }
    return chosen;
  }
  if (call.function != "str") {
    throw std::runtime_error("unknown function " + call.function);
  }
  const auto limit = static_cast<std::size_t>(call.arguments.size() > 1 ? evaluate(*call.arguments[1]).integer : 64);
  const Value of = evaluate(*call.arguments.at(0));
  if (of.type.kind == Kind::String) {
    return text(of.text.substr(0, limit));
  }
  for (const Event* event : {&event_, start_}) {
    if (event == nullptr) {
      continue;
    }
    const auto found = event->user_texts.find(static_cast<std::uint64_t>(of.integer));
    if (found != event->user_texts.end()) {
      return text(found->second.substr(0, limit));
    }
  }
  return text(of.integer == 0 ? "" : std::string("<fault>").substr(0, limit));
}

Value Reference::evaluate(const expression::Node& node) const {
  if (const auto* literal = std::get_if<expression::IntegerLiteral>(&node.value)) {
    return integer(static_cast<std::int64_t>(literal->value), 8, literal->value >> 63U == 0);
  }
  if (const auto* literal = std::get_if<expression::StringLiteral>(&node.value)) {
    return text(literal->value);
  }
  if (const auto* ref = std::get_if<expression::BuiltinRef>(&node.value)) {
    return builtin(ref->builtin, ref->from);
  }
  if (const auto* argument = std::get_if<expression::Argument>(&node.value)) {
    return field(*argument);
  }
  if (const auto* index = std::get_if<expression::Index>(&node.value)) {
    return element(*index);
  }
  if (const auto* one = std::get_if<expression::Unary>(&node.value)) {
    return unary(*one);
  }
  if (const auto* two = std::get_if<expression::Binary>(&node.value)) {
    return binary(*two);
  }
  if (const auto* function = std::get_if<expression::Call>(&node.value)) {
    return call(*function);
  }
  throw std::runtime_error("members are not evaluated");
}

Value Reference::evaluate(const std::string& text) const {
  const auto node = expression::parse(text, {});
  if (!node) {
    throw std::runtime_error(text + ": " + node.error().message);
  }
  return evaluate(**node);
}

}  // namespace tpx::test
