#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "decode/cgroup_index.h"
#include "kernel/kernel.h"
#include "live/event_stream.h"
#include "plan/planner.h"

namespace tpx::live {

/// Tells a CgroupIndex of each group that is made, so that one which is gone before anybody asks for it has its path all
/// the same: from the tracepoint cgroup/cgroup_mkdir, from start() until this dies. Thread-safe.
class CgroupWatch {
 public:
  /// Room for some 800 groups between two calls of learn(). Those beyond are not learnt; the index then asks the kernel for
  /// them, as for the groups that were there before.
  static constexpr std::uint32_t kRingBytes = 256U << 10U;

  /// Fails where the kernel lacks the tracepoint or ring buffers (Linux 5.8), and where `index` does not show the
  /// hierarchy from its root, as in a cgroup namespace: the paths would not be the same.
  [[nodiscard]] static Result<std::unique_ptr<CgroupWatch>> start(std::shared_ptr<decode::CgroupIndex> index,
                                                                  const kernel::Kernel& kernel,
                                                                  const plan::Options& options);

  /// Tells the index of the groups made since the last call. To be called before the ids are decoded.
  void learn();

 private:
  CgroupWatch(std::shared_ptr<decode::CgroupIndex> index, EventStream stream)
      : index_(std::move(index)), stream_(std::move(stream)) {}

  std::mutex mutex_;
  std::shared_ptr<decode::CgroupIndex> index_;
  EventStream stream_;
};

}  // namespace tpx::live
