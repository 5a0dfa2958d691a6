#include "plan/exits.h"

namespace tpx::plan {

namespace {

constexpr char kExit[] = "sched_process_exit";
constexpr char kFree[] = "sched_process_free";

std::optional<std::uint32_t> offset_of(const kernel::Btf& btf, const std::string& structure, const std::string& name) {
  const auto id = btf.find_struct(structure);
  const auto member = id ? btf.member(*id, name) : std::nullopt;
  return member ? std::optional(member->bit_offset / 8) : std::nullopt;
}

std::optional<ExitPlan> typed(const kernel::Kernel& kernel) {
  if (!kernel.btf || !kernel.features.tp_btf) {
    return std::nullopt;
  }
  const auto exit = kernel.btf->tracepoint_id(kExit);
  const auto free = kernel.btf->tracepoint_id(kFree);
  const auto thread = offset_of(*kernel.btf, "task_struct", "pid");
  const auto process = offset_of(*kernel.btf, "task_struct", "tgid");
  const auto signal = offset_of(*kernel.btf, "task_struct", "signal");
  const auto live = offset_of(*kernel.btf, "signal_struct", "live");
  if (!exit || !free || !thread || !process || !signal || !live) {
    return std::nullopt;
  }
  return ExitPlan{{AttachType::TpBtf, "", kExit, *exit},
                  {AttachType::TpBtf, "", kFree, *free},
                  0,
                  0,
                  *thread,
                  *process,
                  *signal,
                  *live};
}

struct ClassicPoint {
  AttachPoint point;
  std::uint32_t thread_offset = 0;
};

Result<ClassicPoint> classic(const kernel::Kernel& kernel, const std::string& event) {
  auto format = kernel.tracefs.format("sched", event);
  if (!format) {
    return fail(std::move(format.error()));
  }
  const kernel::Field* pid = format->find("pid");
  if (pid == nullptr || pid->size != 4) {
    return fail("the tracepoint sched/" + event + " does not say which task is over");
  }
  return ClassicPoint{{AttachType::Classic, "sched", event, format->id}, pid->offset};
}

}  // namespace

Result<ExitPlan> plan_exits(const kernel::Kernel& kernel, std::optional<AttachType> force) {
  if (force != AttachType::Classic) {
    if (const auto plan = typed(kernel)) {
      return *plan;
    }
  }
  auto exit = classic(kernel, kExit);
  if (!exit) {
    return fail(std::move(exit.error()));
  }
  auto free = classic(kernel, kFree);
  if (!free) {
    return fail(std::move(free.error()));
  }
  return ExitPlan{exit->point, free->point, exit->thread_offset, free->thread_offset, 0, 0, 0, 0};
}

}  // namespace tpx::plan
