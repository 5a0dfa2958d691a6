#include "plan/exits.h"

namespace tpx::plan {

namespace {

constexpr char kEvent[] = "sched_process_free";

std::optional<std::uint32_t> offset_of(const kernel::Btf& btf, const std::string& structure, const std::string& name) {
  const auto id = btf.find_struct(structure);
  const auto member = id ? btf.member(*id, name) : std::nullopt;
  return member ? std::optional(member->bit_offset / 8) : std::nullopt;
}

std::optional<ExitPlan> typed(const kernel::Kernel& kernel) {
  if (!kernel.btf || !kernel.features.tp_btf) {
    return std::nullopt;
  }
  const auto id = kernel.btf->tracepoint_id(kEvent);
  const auto thread = offset_of(*kernel.btf, "task_struct", "pid");
  const auto process = offset_of(*kernel.btf, "task_struct", "tgid");
  const auto signal = offset_of(*kernel.btf, "task_struct", "signal");
  const auto live = offset_of(*kernel.btf, "signal_struct", "live");
  if (!id || !thread || !process || !signal || !live) {
    return std::nullopt;
  }
  return ExitPlan{{AttachType::TpBtf, "", kEvent, *id}, *thread, *process, *signal, *live};
}

}  // namespace

Result<ExitPlan> plan_exits(const kernel::Kernel& kernel, std::optional<AttachType> force) {
  if (force != AttachType::Classic) {
    if (const auto plan = typed(kernel)) {
      return *plan;
    }
  }
  auto format = kernel.tracefs.format("sched", kEvent);
  if (!format) {
    return fail(std::move(format.error()));
  }
  const kernel::Field* pid = format->find("pid");
  if (pid == nullptr || pid->size != 4) {
    return fail("the tracepoint sched/sched_process_free does not say which task is over");
  }
  return ExitPlan{{AttachType::Classic, "sched", kEvent, format->id}, pid->offset, 0, 0, 0};
}

}  // namespace tpx::plan
