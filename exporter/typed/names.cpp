#include "typed/names.h"

namespace tpx::typed {

Result<TypedExprPtr> Names::at_start(const expression::Node& /*node*/) const {
  return fail("\"from.\" is only known where a pair ends",
              "use it in the labels or the filter of a metric with from and to");
}

Result<TypedExprPtr> MetricNames::builtin(expression::Builtin builtin) const {
  return builtin == expression::Builtin::Probe ? probe_ : event_.builtin(builtin);
}

Result<TypedExprPtr> MetricNames::at_start(const expression::Node& node) const {
  if (!start_) {
    return Names::at_start(node);
  }
  auto value = start_(node);
  if (!value) {
    value.error().location.reset();  // the start does not know where this text stands
  }
  return value;
}

}  // namespace tpx::typed
