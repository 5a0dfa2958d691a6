#pragma once

#include <memory>
#include <utility>

#include "typed/event_names.h"

namespace tpx::typed {

/// `args.X` is a field of the event's format. Behind a pointer argument of a syscall, `[N]`, `->` and `.` read the memory of
/// the process (typed/user_memory.h).
class FormatNames : public EventNames {
 public:
  using EventNames::EventNames;

 protected:
  [[nodiscard]] Result<TypedExprPtr> field(const expression::Node& node) const final;
  [[nodiscard]] virtual Result<TypedExprPtr> whole(const kernel::Field& field) const = 0;
  [[nodiscard]] virtual Result<TypedExprPtr> element(const kernel::Field& field, std::uint32_t index) const = 0;

  /// What an integer field is as a value: a syscall's argument has the type of its declaration. Little-endian: the lower half
  /// of a register comes first.
  [[nodiscard]] schema::ValueType integer_type(const kernel::Field& field) const;
  /// Where `field` stands in the format of a syscall's event: 0 is __syscall_nr, then come the arguments, or ret.
  [[nodiscard]] std::uint32_t position(const kernel::Field& field) const;
  [[nodiscard]] bool is_enter() const { return event().format->name.starts_with("sys_enter_"); }

 private:
  [[nodiscard]] Result<const kernel::Field*> find(const std::string& name) const;
  [[nodiscard]] const expression::Argument* syscall_chain(const expression::Node& node) const;
  [[nodiscard]] Result<TypedExprPtr> user_chain(const expression::Node& node, const expression::Argument& root) const;
  [[nodiscard]] TypedExprPtr with_address(const TypedExprPtr& value, const kernel::Field& field) const;
};

/// Read from the event's record, as its format lays it out.
class RecordNames : public FormatNames {
 public:
  /// `record`: of a syscall, the format of raw_syscalls/sys_enter or sys_exit, whose record holds its arguments or result; null
  /// for the event's own record.
  explicit RecordNames(Event event, std::shared_ptr<const kernel::Format> record = nullptr)
      : FormatNames(std::move(event)), record_(std::move(record)) {}

 protected:
  [[nodiscard]] Result<TypedExprPtr> whole(const kernel::Field& field) const override;
  [[nodiscard]] Result<TypedExprPtr> element(const kernel::Field& field, std::uint32_t index) const override;

 private:
  [[nodiscard]] Result<TypedExprPtr> in_record_of_all_calls(const kernel::Field& field) const;
  [[nodiscard]] Result<TypedExprPtr> location(const kernel::Field& field) const;

  std::shared_ptr<const kernel::Format> record_;
};

}  // namespace tpx::typed
