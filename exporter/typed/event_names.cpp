#include "typed/event_names.h"

#include "expression/tree.h"
#include "typed/bind.h"
#include "typed/strings.h"

namespace tpx::typed {

namespace {

using expression::Builtin;
using expression::Node;
using schema::ValueType;

constexpr ValueType kU32{ValueType::Kind::Integer, 4, false};
constexpr ValueType kU64{ValueType::Kind::Integer, 8, false};

}  // namespace

Result<TypedExprPtr> EventNames::place(const Node& node) const {
  const Node& root = expression::root_of(node);
  const auto* argument = std::get_if<expression::Argument>(&root.value);
  if (argument == nullptr && !has_root(root)) {
    return fail("only args.FIELD has members and elements");
  }
  if (argument != nullptr && argument->root != expression::Argument::Root::Args) {
    return fail("key. and value. are only known in the metrics of a program object", "use args.FIELD");
  }
  return field(node);
}

/// A member of the current task, or of what its members point to; null without BTF.
TypedExprPtr EventNames::task_member(std::initializer_list<const char*> path) const {
  const kernel::Btf* btf = event_.btf;
  const auto structure = btf == nullptr ? std::nullopt : btf->find_struct("task_struct");
  if (!structure) {
    return nullptr;
  }
  TypedExpr current{BuiltinValue{BuiltinValue::Kind::CurrentTask}, kU64};
  current.pointee = *structure;
  current.trusted = event_.current_task_btf;
  TypedExprPtr value = std::make_shared<const TypedExpr>(std::move(current));
  for (const char* name : path) {
    const auto member = btf->member(btf->resolve(value->pointee).id, name);
    if (!member) {
      return nullptr;
    }
    const kernel::Btf::Type type = btf->resolve(member->type);
    const std::uint32_t offset = member->bit_offset / 8;
    const bool direct = event_.current_task_btf && !event_.probe_reads;
    if (type.kind == kernel::Btf::Kind::Array) {
      return make_typed(MemoryBytes{value, offset, type.length, direct}, {ValueType::Kind::String, type.length, false});
    }
    TypedExpr load{MemoryLoad{value, offset, type.size, false, direct, 0, 0},
                   {ValueType::Kind::Integer, type.size, false}};
    load.pointee = type.target;
    load.trusted = direct && type.kind == kernel::Btf::Kind::Pointer;
    value = std::make_shared<const TypedExpr>(std::move(load));
  }
  return value;
}

Result<TypedExprPtr> EventNames::builtin(Builtin builtin) const {
  using Kind = BuiltinValue::Kind;
  const auto load_or_helper = [this](const char* member, Kind helper, ValueType type) {
    const TypedExprPtr load = event_.current_task_btf ? task_member({member}) : nullptr;
    return load ? load : make_typed(BuiltinValue{helper}, type);
  };
  switch (builtin) {
    case Builtin::Pid:
      return load_or_helper("tgid", Kind::Pid, kU32);
    case Builtin::Tid:
      return load_or_helper("pid", Kind::Tid, kU32);
    case Builtin::Ppid:
      if (TypedExprPtr parent = task_member({"real_parent", "tgid"})) {
        return parent;
      }
      return fail("ppid needs the kernel's type information (BTF), which this kernel does not offer");
    case Builtin::Uid:
      return make_typed(BuiltinValue{Kind::Uid}, kU32);
    case Builtin::Gid:
      return make_typed(BuiltinValue{Kind::Gid}, kU32);
    case Builtin::Comm:
      return load_or_helper("comm", Kind::Comm, {ValueType::Kind::String, 16, false});
    case Builtin::Cpu:
      return make_typed(BuiltinValue{Kind::Cpu}, kU32);
    case Builtin::Cgroup:
      return make_typed(BuiltinValue{Kind::Cgroup}, kU64);
    case Builtin::Nsecs:
      return make_typed(BuiltinValue{Kind::Nsecs}, kU64);
    case Builtin::Probe:
      return constant(0);
  }
  return constant(0);
}

Result<TypedExprPtr> EventNames::call(const Node& node, const expression::Call& call, const Binder& binder) const {
  if (call.function == "str") {
    return bind_str(node, call, binder, event_.syscall ? PointerString::Space::User : PointerString::Space::ByAddress);
  }
  if (call.function == kSocketAddress) {
    const Node& pointer = *call.arguments.at(0);
    if (expression::is_from(pointer)) {
      return binder.at_start(node);
    }
    return binder.bind(pointer).map([](const TypedExprPtr& address) {
      return make_typed(SocketAddress{address}, {ValueType::Kind::Bytes, schema::kSocketAddressBytes, false});
    });
  }
  return fail("function \"" + call.function + "\" can't be used here",
              "decoders take a whole label: put it outermost; inside are if() and str()");
}

}  // namespace tpx::typed
