#include "plan/bind.h"

#include <algorithm>
#include <limits>

#include "base/overloaded.h"
#include "base/text.h"
#include "plan/bind_fields.h"
#include "plan/fold.h"
#include "plan/mapping_functions.h"

namespace tpx::plan {

namespace {

using expression::BinaryOp;
using expression::Builtin;
using expression::Node;

constexpr std::uint32_t kDefaultString = 64;
constexpr std::uint32_t kLongestString = 256;

std::string describe(const schema::ValueType& type) {
  switch (type.kind) {
    case schema::ValueType::Kind::Integer:
      return "an integer";
    case schema::ValueType::Kind::String:
      return "a string";
    case schema::ValueType::Kind::Bytes:
      return "an array";
  }
  return "";
}

/// The leftmost leaf of a chain of members and indexes.
const Node& root_of(const Node& node) {
  if (const auto* member = std::get_if<expression::Member>(&node.value)) {
    return root_of(*member->base);
  }
  if (const auto* index = std::get_if<expression::Index>(&node.value)) {
    return root_of(*index->base);
  }
  return node;  // NOLINT(bugprone-return-const-ref-from-parameter): trees outlive their walks
}

bool is_from(const Node& node) {
  const Node& root = root_of(node);
  if (const auto* argument = std::get_if<expression::Argument>(&root.value)) {
    return argument->from;
  }
  if (const auto* builtin = std::get_if<expression::BuiltinRef>(&root.value)) {
    return builtin->from;
  }
  return false;
}

/// A member of the current task, or of what its members point to; nothing without BTF.
BoundPtr task_member(const Scope& scope, std::initializer_list<const char*> path) {
  const auto structure = scope.btf == nullptr ? std::nullopt : scope.btf->find_struct("task_struct");
  if (!structure) {
    return nullptr;
  }
  Bound current{Special{Special::Kind::CurrentTask}, {schema::ValueType::Kind::Integer, 8, false}};
  current.pointee = *structure;
  current.trusted = scope.current_task_btf;
  BoundPtr value = std::make_shared<const Bound>(std::move(current));
  for (const char* name : path) {
    const auto member = scope.btf->member(scope.btf->resolve(value->pointee).id, name);
    if (!member) {
      return nullptr;
    }
    const kernel::Btf::Type type = scope.btf->resolve(member->type);
    const std::uint32_t offset = member->bit_offset / 8;
    const bool direct = scope.current_task_btf && !scope.probe_reads;
    if (type.kind == kernel::Btf::Kind::Array) {
      return make_bound(MemoryBytes{value, offset, type.length, direct},
                        {schema::ValueType::Kind::String, type.length, false});
    }
    Bound load{MemoryLoad{value, offset, type.size, false, direct, 0, 0},
               {schema::ValueType::Kind::Integer, type.size, false}};
    load.pointee = type.target;
    load.trusted = direct && type.kind == kernel::Btf::Kind::Pointer;
    value = std::make_shared<const Bound>(std::move(load));
  }
  return value;
}

/// Where BTF gives the task's members, a load (bpf_get_current_comm costs four times as much); else a helper.
Result<BoundPtr> bind_builtin(Builtin builtin, const Scope& scope) {
  const schema::ValueType u32{schema::ValueType::Kind::Integer, 4, false};
  const schema::ValueType u64{schema::ValueType::Kind::Integer, 8, false};
  using Kind = Special::Kind;
  const auto either = [](const BoundPtr& load, Kind helper, schema::ValueType type) {
    return load ? load : make_bound(Special{helper}, type);
  };
  switch (builtin) {
    case Builtin::Pid:
      return either(scope.current_task_btf ? task_member(scope, {"tgid"}) : nullptr, Kind::Pid, u32);
    case Builtin::Tid:
      return either(scope.current_task_btf ? task_member(scope, {"pid"}) : nullptr, Kind::Tid, u32);
    case Builtin::Ppid:
      if (BoundPtr parent = task_member(scope, {"real_parent", "tgid"})) {
        return parent;
      }
      return fail("ppid needs the kernel's type information (BTF), which this kernel does not offer");
    case Builtin::Uid:
      return make_bound(Special{Kind::Uid}, u32);
    case Builtin::Gid:
      return make_bound(Special{Kind::Gid}, u32);
    case Builtin::Comm:
      return either(scope.current_task_btf ? task_member(scope, {"comm"}) : nullptr, Kind::Comm,
                    {schema::ValueType::Kind::String, 16, false});
    case Builtin::Cpu:
      return make_bound(Special{Kind::Cpu}, u32);
    case Builtin::Cgroup:
      return make_bound(Special{Kind::Cgroup}, u64);
    case Builtin::Nsecs:
      return make_bound(Special{Kind::Nsecs}, u64);
    case Builtin::Probe:
      return scope.probe ? scope.probe : constant(0);
  }
  return constant(0);
}

class Binder {
 public:
  explicit Binder(const Scope& scope) : scope_(scope) {}

  Result<BoundPtr> bind_node(const Node& node) {
    return std::visit(Overloaded{
                          [&](const expression::IntegerLiteral& n) -> Result<BoundPtr> {
                            const bool is_signed =
                                n.value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
                            return make_bound(Constant{static_cast<std::int64_t>(n.value)},
                                              {schema::ValueType::Kind::Integer, 8, is_signed});
                          },
                          [&](const expression::StringLiteral& n) -> Result<BoundPtr> {
                            if (n.value.size() >= kLongestString) {
                              return error(node, "a string of more than 255 bytes");
                            }
                            const auto size = static_cast<std::uint32_t>((n.value.size() + 8) / 8 * 8);
                            return make_bound(StringConstant{n.value}, {schema::ValueType::Kind::String, size, false});
                          },
                          [&](const expression::BuiltinRef& n) -> Result<BoundPtr> {
                            if (n.from) {
                              return from(node);
                            }
                            auto bound = bind_builtin(n.builtin, scope_);
                            return bound ? bound : error(node, bound.error().message, bound.error().hint);
                          },
                          [&](const expression::Argument&) { return bind_place(node); },
                          [&](const expression::Member&) { return bind_place(node); },
                          [&](const expression::Index&) { return bind_place(node); },
                          [&](const expression::Unary& n) { return bind_unary(n); },
                          [&](const expression::Binary& n) { return bind_binary(node, n); },
                          [&](const expression::Call& n) { return bind_call(node, n); },
                      },
                      node.value);
  }

 private:
  tl::unexpected<Error> error(const Node& node, std::string message, std::string hint = {}) const {
    return fail(Error{std::move(message), std::move(hint), expression::location_of(node, scope_.at)});
  }

  void judged(const Node& node, std::optional<Error> fixed) const {
    if (scope_.comparisons != nullptr) {
      scope_.comparisons->add(node, scope_.at, std::move(fixed));
    }
  }

  Result<BoundPtr> from(const Node& node) {
    if (!scope_.from) {
      return error(node, "\"from.\" is only known where a pair ends",
                   "use it in the labels or the filter of a metric with from and to");
    }
    auto bound = scope_.from(node);
    if (!bound) {
      // The start's scope does not know where this text stands.
      Error problem = std::move(bound.error());
      problem.location = expression::location_of(node, scope_.at);
      return fail(std::move(problem));
    }
    return bound;
  }

  Result<BoundPtr> bind_place(const Node& node) {
    if (is_from(node)) {
      return from(node);
    }
    const Node& root = root_of(node);
    const auto* argument = std::get_if<expression::Argument>(&root.value);
    if (argument == nullptr && scope_.internal) {
      return bind_field(node, scope_);  // behind cast()
    }
    if (argument == nullptr) {
      return error(node, "only args.FIELD has members and elements");
    }
    if (argument->root != expression::Argument::Root::Args) {
      return error(node, "key. and value. are only known in the metrics of a program object", "use args.FIELD");
    }
    auto bound = bind_field(node, scope_);
    if (!bound) {
      return fail(std::move(bound.error()).at(expression::location_of(node, scope_.at)));
    }
    return bound;
  }

  Result<BoundPtr> integer(const Node& node, std::string_view what) {
    auto bound = bind_node(node);
    if (bound && (*bound)->type.kind != schema::ValueType::Kind::Integer) {
      return error(node, std::string(what) + " takes integers, this is " + describe((*bound)->type),
                   (*bound)->type.kind == schema::ValueType::Kind::String ? "strings compare with == and != only" : "");
    }
    return bound;
  }

  Result<BoundPtr> bind_unary(const expression::Unary& unary) {
    auto operand = integer(*unary.operand, expression::name(unary.op));
    if (!operand) {
      return operand;
    }
    const bool truth = unary.op == expression::UnaryOp::LogicNot;
    const bool is_signed = unary.op == expression::UnaryOp::Negate || is_signed_64(**operand);
    return fold(make_bound(BoundUnary{unary.op, *operand},
                           truth ? schema::kTruth : schema::ValueType{schema::ValueType::Kind::Integer, 8, is_signed}));
  }

  /// As C's usual conversions to 64 bits: all but unsigned 64-bit values become signed.
  static bool is_signed_64(const Bound& bound) { return bound.type.is_signed || bound.type.size < 8; }

  Result<BoundPtr> bind_binary(const Node& node, const expression::Binary& binary) {
    const bool equality = binary.op == BinaryOp::Eq || binary.op == BinaryOp::Ne;
    if (equality) {
      auto left = bind_node(*binary.left);
      auto right = bind_node(*binary.right);
      if (!left) {
        return left;
      }
      if (!right) {
        return right;
      }
      const bool left_string = (*left)->type.kind == schema::ValueType::Kind::String;
      const bool right_string = (*right)->type.kind == schema::ValueType::Kind::String;
      if (left_string && right_string) {
        judged(node, judge_strings(binary, side_of(**left), side_of(**right)));
        return make_bound(StringCompare{*left, *right, binary.op == BinaryOp::Eq}, schema::kTruth);
      }
      if (left_string != right_string) {
        return error(node, "compares " + describe((*left)->type) + " with " + describe((*right)->type),
                     left_string ? "put the right side in double quotes, or compare an integer field"
                                 : "use str() on a pointer, or compare with a number");
      }
    }
    auto left = integer(*binary.left, expression::name(binary.op));
    if (!left) {
      return left;
    }
    auto right = integer(*binary.right, expression::name(binary.op));
    if (!right) {
      return right;
    }
    const auto* number = std::get_if<Constant>(&(*right)->node);
    if (auto fits = check_right_operand(binary.op, number == nullptr ? std::nullopt : std::optional(number->value));
        !fits) {
      return error(*binary.right, fits.error().message, fits.error().hint);
    }
    const bool shift = binary.op == BinaryOp::Shl || binary.op == BinaryOp::Shr;
    const bool is_signed = is_signed_64(**left) && (shift || is_signed_64(**right));
    const bool truth = binary.op >= BinaryOp::Lt && binary.op <= BinaryOp::Ne;
    const bool logic = binary.op == BinaryOp::LogicAnd || binary.op == BinaryOp::LogicOr;
    if (truth) {
      judged(node, judge_integers(binary, side_of(**left), side_of(**right), is_signed));
    }
    return fold(make_bound(
        BoundBinary{binary.op, *left, *right, is_signed},
        truth || logic ? schema::kTruth : schema::ValueType{schema::ValueType::Kind::Integer, 8, is_signed}));
  }

  Result<BoundPtr> bind_call(const Node& node, const expression::Call& call) {
    if (call.function == "if") {
      return bind_if(node, call);
    }
    if (call.function == "str") {
      return bind_str(node, call);
    }
    if (scope_.internal && call.function == kSocketAddress) {
      return bind_socket_address(node, *call.arguments.at(0));
    }
    if (scope_.internal && is_mapping_function(call.function)) {
      return bind_mapping_function(call, scope_);
    }
    return error(node, "function \"" + call.function + "\" can't be used here",
                 "decoders take a whole label: put it outermost; inside are if() and str()");
  }

  Result<BoundPtr> bind_socket_address(const Node& node, const Node& pointer) {
    if (is_from(pointer)) {
      return from(node);
    }
    return bind_node(pointer).map([](const BoundPtr& bound) {
      return make_bound(SocketAddress{bound}, {schema::ValueType::Kind::Bytes, schema::kSocketAddressBytes, false});
    });
  }

  Result<BoundPtr> bind_if(const Node& node, const expression::Call& call) {
    if (call.arguments.size() != 3) {
      return error(node, "if() takes three values, got " + std::to_string(call.arguments.size()),
                   "write if(CONDITION, A, B)");
    }
    auto condition = integer(*call.arguments[0], "the condition of if()");
    if (!condition) {
      return condition;
    }
    auto yes = bind_node(*call.arguments[1]);
    auto no = bind_node(*call.arguments[2]);
    if (!yes) {
      return yes;
    }
    if (!no) {
      return no;
    }
    const schema::ValueType& a = (*yes)->type;
    const schema::ValueType& b = (*no)->type;
    if (a.kind != b.kind) {
      return error(node, "if() gives " + describe(a) + " or " + describe(b), "both must be of one kind");
    }
    if (a.kind == schema::ValueType::Kind::Bytes && a.size != b.size) {
      return error(node, "if() gives arrays of different sizes");
    }
    schema::ValueType type = a;
    type.size = std::max(a.size, b.size);
    if (a.kind == schema::ValueType::Kind::Integer && !(a == b)) {
      type = {schema::ValueType::Kind::Integer, 8, is_signed_64(**yes) && is_signed_64(**no)};
    }
    return make_bound(Conditional{*condition, *yes, *no}, type);
  }

  Result<std::uint32_t> string_limit(const expression::Call& call) {
    if (call.arguments.size() < 2) {
      return kDefaultString;
    }
    auto limit = bind_node(*call.arguments[1]);
    if (!limit) {
      return fail(std::move(limit.error()));
    }
    const auto* value = std::get_if<Constant>(&(*limit)->node);
    if (value == nullptr || value->value < 1 || value->value > kLongestString - 1) {
      return error(*call.arguments[1], "the length of str() is a number from 1 to 255");
    }
    return static_cast<std::uint32_t>(value->value);
  }

  Result<BoundPtr> bind_str(const Node& node, const expression::Call& call) {
    if (call.arguments.empty() || call.arguments.size() > 2) {
      return error(node, "str() takes a pointer and a length, got " + std::to_string(call.arguments.size()) + " values",
                   "write str(args.FIELD) or str(args.FIELD, 32)");
    }
    if (is_from(*call.arguments[0])) {
      return from(node);
    }
    auto limit = string_limit(call);
    if (!limit) {
      return fail(std::move(limit.error()));
    }
    auto pointer = bind_node(*call.arguments[0]);
    if (!pointer) {
      return pointer;
    }
    const std::uint32_t size = (*limit + 1 + 7) / 8 * 8;
    if ((*pointer)->type.kind == schema::ValueType::Kind::String) {
      // Of a field whose length only the event knows, as many bytes as are asked for, also more than usual.
      const bool field = std::holds_alternative<expression::Argument>(call.arguments[0]->value);
      const schema::ValueType type{schema::ValueType::Kind::String, size, false};
      if (const auto* loc = std::get_if<LocBytes>(&(*pointer)->node); field && loc != nullptr) {
        return make_bound(LocBytes{loc->offset, loc->relative, true, *limit + 1}, type);
      }
      if (const auto* mapped = std::get_if<PointerString>(&(*pointer)->node); field && mapped != nullptr) {
        return make_bound(PointerString{mapped->pointer, *limit + 1, mapped->space}, type);
      }
      return shorten(*pointer, *limit, size);
    }
    if ((*pointer)->type.kind != schema::ValueType::Kind::Integer || (*pointer)->type.size != 8) {
      return error(*call.arguments[0], "str() takes a pointer, this is " + describe((*pointer)->type));
    }
    if ((*pointer)->address_of == AddressOf::Pointers) {
      const std::string text = expression::to_text(*call.arguments[0]);
      return error(*call.arguments[0], "\"" + text + "\" points to pointers, not to text",
                   "write str(" + text + "[0])");
    }
    const auto space = scope_.syscall ? PointerString::Space::User : PointerString::Space::ByAddress;
    return make_bound(PointerString{*pointer, *limit + 1, space}, {schema::ValueType::Kind::String, size, false});
  }

  /// At most `limit` bytes of a string; `size` is what that takes in a key, with the NUL of what is read as a string.
  static BoundPtr shorten(const BoundPtr& text, std::uint32_t limit, std::uint32_t size) {
    if (text->type.size <= limit) {
      return text;
    }
    Bound shorter = *text;
    shorter.type.size = std::min(shorter.type.size, size);
    bool cut = true;
    std::visit(Overloaded{
                   [&](LocBytes& n) { n.size = std::min(n.size, limit + 1); },
                   [&](PointerString& n) { n.size = std::min(n.size, limit + 1); },
                   [&](ContextBytes& n) { n.size = std::min(n.size, limit); },
                   [&](MemoryBytes& n) { n.size = std::min(n.size, limit); },
                   [&](Conditional& n) {
                     n.then_value = shorten(n.then_value, limit, size);
                     n.else_value = shorten(n.else_value, limit, size);
                   },
                   [&](StringConstant& n) { n.text.resize(std::min<std::size_t>(n.text.size(), limit)); },
                   [&](auto&) { cut = false; },
               },
               shorter.node);
    return cut ? std::make_shared<const Bound>(std::move(shorter)) : make_bound(ShortString{text, limit}, shorter.type);
  }

  const Scope& scope_;
};

}  // namespace

Result<BoundPtr> bind(const Node& node, const Scope& scope) {
  return Binder(scope).bind_node(node);
}

expression::NodePtr without_from(const Node& node) {
  Node copy = node;
  std::visit(Overloaded{
                 [](expression::Argument& n) { n.from = false; },
                 [](expression::BuiltinRef& n) { n.from = false; },
                 [](expression::Member& n) { n.base = without_from(*n.base); },
                 [](expression::Index& n) { n.base = without_from(*n.base); },
                 [](expression::Unary& n) { n.operand = without_from(*n.operand); },
                 [](expression::Binary& n) {
                   n.left = without_from(*n.left);
                   n.right = without_from(*n.right);
                 },
                 [](expression::Call& n) {
                   for (auto& argument : n.arguments) {
                     argument = without_from(*argument);
                   }
                 },
                 [](auto&) {},
             },
             copy.value);
  return std::make_shared<const Node>(std::move(copy));
}

BoundPtr as_integer(const BoundPtr& value, const schema::ValueType& type) {
  if (value->type.size == type.size && value->type.is_signed == type.is_signed) {
    return value;
  }
  if (type.size == 8) {
    Bound retyped = *value;
    retyped.type = type;
    return std::make_shared<const Bound>(std::move(retyped));
  }
  if (const auto* load = std::get_if<MemoryLoad>(&value->node);
      load != nullptr && load->size == type.size && load->bit_size == 0) {
    MemoryLoad other = *load;
    other.is_signed = type.is_signed;
    return make_bound(std::move(other), type);
  }
  if (const auto* argument = std::get_if<ContextArgument>(&value->node); argument != nullptr) {
    return make_bound(
        ContextArgument{argument->index, std::min(argument->size, type.size), type.is_signed, argument->probe}, type);
  }
  const BoundPtr shift = constant(64 - 8 * static_cast<std::int64_t>(type.size));
  const schema::ValueType wide{schema::ValueType::Kind::Integer, 8, type.is_signed};
  const BoundPtr up = make_bound(BoundBinary{BinaryOp::Shl, value, shift, type.is_signed}, wide);
  return make_bound(BoundBinary{BinaryOp::Shr, up, shift, type.is_signed}, type);
}

void collect_fields(const Node& node, std::vector<std::string>& fields) {
  std::visit(Overloaded{
                 [&](const expression::Argument& n) {
                   if (!n.from && n.root == expression::Argument::Root::Args) {
                     fields.push_back(n.name);
                   }
                 },
                 [&](const expression::Member& n) { collect_fields(*n.base, fields); },
                 [&](const expression::Index& n) { collect_fields(*n.base, fields); },
                 [&](const expression::Unary& n) { collect_fields(*n.operand, fields); },
                 [&](const expression::Binary& n) {
                   collect_fields(*n.left, fields);
                   collect_fields(*n.right, fields);
                 },
                 [&](const expression::Call& n) {
                   for (const auto& argument : n.arguments) {
                     collect_fields(*argument, fields);
                   }
                 },
                 [](const auto&) {},
             },
             node.value);
}

}  // namespace tpx::plan
