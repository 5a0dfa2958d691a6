#include "typed/mapped_names.h"

#include "typed/bind.h"
#include "typed/compute.h"
#include "typed/field_table.h"

namespace tpx::typed {

namespace {

/// The event without its record, for the rows of the table.
Event raw_event(Event event) {
  event.format = nullptr;
  event.syscall = false;
  return event;
}

}  // namespace

MappedNames::MappedNames(const Event& event) : FormatNames(event), raw_(raw_event(event), true) {}

/// The register that holds an argument of a syscall.
Result<TypedExprPtr> MappedNames::syscall_value(unsigned argument) const {
  const auto row = expression::parse(syscall_argument(argument), {});
  auto value = row ? bind(**row, raw_) : fail("no row");
  return value ? value : fail("no row for this argument");
}

Result<TypedExprPtr> MappedNames::whole(const kernel::Field& field) const {
  if (!event().syscall) {
    return map_field(field, raw_);
  }
  const std::uint32_t at = position(field);
  if (at == 0 || field.kind != kernel::Field::Kind::Integer) {
    return fail("no row for this field");
  }
  static const expression::Node kResult{expression::Argument{"ret", false}};
  const auto value = is_enter() ? syscall_value(at - 1) : raw_.place(kResult);
  return value.map([&](const TypedExprPtr& whole) { return as_integer(whole, integer_type(field)); });
}

Result<TypedExprPtr> MappedNames::element(const kernel::Field& field, std::uint32_t index) const {
  if (event().format->full_name() != "raw_syscalls/sys_enter" || index >= field.length) {
    return fail("no row for this element");
  }
  return syscall_value(index);
}

}  // namespace tpx::typed
