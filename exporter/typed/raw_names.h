#pragma once

#include <utility>

#include "typed/event_names.h"

namespace tpx::typed {

/// `args.X` is an argument of the raw tracepoint, typed by BTF; `->`, `.` and `[N]` follow its type. The event has BTF and
/// arguments.
class RawNames : public EventNames {
 public:
  /// `functions`: those of typed/mapping_functions.h are known as well, for the rows of the event.field table.
  explicit RawNames(Event event, bool functions = false) : EventNames(std::move(event)), functions_(functions) {}

  [[nodiscard]] Result<TypedExprPtr> call(const expression::Node& node, const expression::Call& call,
                                          const Binder& binder) const override;
  [[nodiscard]] std::optional<kernel::Btf::Type> type_of(const expression::Node& node) const override;
  /// The bytes of a member as an array, whatever its type.
  [[nodiscard]] Result<TypedExprPtr> bytes(const expression::Node& node) const;

 protected:
  [[nodiscard]] Result<TypedExprPtr> field(const expression::Node& node) const override;
  /// cast() where `functions`.
  [[nodiscard]] bool has_root(const expression::Node& root) const override;

 private:
  bool functions_;
};

}  // namespace tpx::typed
