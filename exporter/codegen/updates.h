#pragma once

#include <functional>

#include "codegen/context.h"
#include "schema/metric_schema.h"

namespace tpx::codegen {

/// Adds, sets or observes: *kRow by the value in kValueSlot, or by 1 when `one`. R0 is as Rows::find() left it. Destroys R0 to
/// R5.
class Updates {
 public:
  Updates(Context& context, const schema::MetricSchema& metric)
      : context_(context), out_(context.out), metric_(metric) {}

  void update(bool one);

 private:
  void counter(bool one, bool atomic);
  void gauge();
  void histogram();
  void in_lane(const std::function<void(bool atomic)>& add);
  void observe(bool atomic);
  void find_bucket(std::size_t first, std::size_t last, assembler::Label found);
  void add_sum(bool atomic);

  Context& context_;
  assembler::Program& out_;
  const schema::MetricSchema& metric_;
};

}  // namespace tpx::codegen
