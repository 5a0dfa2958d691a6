#include "plan/lanes.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tpx::plan {

namespace {

using schema::LaneRule;

constexpr std::uint64_t kLeastLanes = 4;

// Names of include/trace/events/*.h in Linux 5.10 to 6.18.
constexpr std::array<std::string_view, 37> kRare = {"block_rq_error",
                                                    "cgroup_attach_task",
                                                    "cgroup_destroy_root",
                                                    "cgroup_freeze",
                                                    "cgroup_mkdir",
                                                    "cgroup_release",
                                                    "cgroup_remount",
                                                    "cgroup_rename",
                                                    "cgroup_rmdir",
                                                    "cgroup_setup_root",
                                                    "cgroup_transfer_tasks",
                                                    "cgroup_unfreeze",
                                                    "cpuhp_enter",
                                                    "cpuhp_exit",
                                                    "ext4_error",
                                                    "ext4_shutdown",
                                                    "io_page_fault",
                                                    "mark_victim",
                                                    "mc_event",
                                                    "mce_record",
                                                    "module_free",
                                                    "module_load",
                                                    "net_dev_xmit_timeout",
                                                    "non_standard_event",
                                                    "nvme_async_event",
                                                    "oom_score_adj_update",
                                                    "sched_kthread_stop",
                                                    "sched_process_exec",
                                                    "sched_process_exit",
                                                    "sched_process_fork",
                                                    "sched_process_free",
                                                    "scsi_dispatch_cmd_error",
                                                    "suspend_resume",
                                                    "task_newtask",
                                                    "task_rename",
                                                    "thermal_zone_trip",
                                                    "xdp_exception"};
static_assert(std::is_sorted(kRare.begin(), kRare.end()));

void fold(schema::RegionLayout& region, std::uint64_t lanes) {
  region.lanes = static_cast<std::uint32_t>(std::bit_floor(lanes));
  region.lane_rule = LaneRule::Folded;
}

}  // namespace

void choose_lanes(schema::RegionLayout& region, bool rare, const kernel::Kernel& kernel, const Options& options) {
  const std::uint64_t possible = region.cpus;
  const std::uint64_t online =
      kernel.online_cpus == 0 ? possible : std::min<std::uint64_t>(kernel.online_cpus, possible);
  const std::uint64_t own = options.own_lanes ? std::min<std::uint64_t>(*options.own_lanes, possible) : online;
  const std::uint64_t lanes = own + (own < possible ? 1 : 0);
  const std::uint64_t fitting = options.largest_lanes / region.lane_stride();
  if (options.folded_lanes) {
    fold(region, *options.folded_lanes);
  } else if (rare && possible > 1) {
    fold(region, 1);
  } else if (lanes > std::max(fitting, kLeastLanes) && !options.own_lanes) {
    fold(region, std::max(fitting, kLeastLanes));
  } else {
    region.lanes = static_cast<std::uint32_t>(lanes);
    region.lane_rule = own < possible ? LaneRule::SharedLast : LaneRule::PerCpu;
  }
}

bool fires_rarely(std::string_view tracepoint) {
  const std::string_view event = tracepoint.substr(tracepoint.rfind('/') + 1);
  return std::binary_search(kRare.begin(), kRare.end(), event);
}

}  // namespace tpx::plan
