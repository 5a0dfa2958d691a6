#pragma once

#include "typed/format_names.h"
#include "typed/raw_names.h"

namespace tpx::typed {

/// Read from the raw arguments of the event's tracepoint, by the event.field table (typed/field_table.h). The event has a
/// format, BTF and arguments.
class MappedNames : public FormatNames {
 public:
  explicit MappedNames(const Event& event);

 protected:
  [[nodiscard]] Result<TypedExprPtr> whole(const kernel::Field& field) const override;
  [[nodiscard]] Result<TypedExprPtr> element(const kernel::Field& field, std::uint32_t index) const override;

 private:
  [[nodiscard]] Result<TypedExprPtr> syscall_value(unsigned argument) const;

  RawNames raw_;
};

}  // namespace tpx::typed
