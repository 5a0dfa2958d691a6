#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::loader {

/// Waits until no BPF program runs that had started before: afterwards none of them holds what it found in a map.
///
/// Replacing an element of a map of maps makes the kernel wait for an RCU grace period (maybe_wait_bpf_programs() in
/// kernel/bpf/syscall.c, since 4.20), and our programs run inside RCU's read sections. Unlike membarrier(2) it also works
/// where CPUs run without a tick. Costs what the kernel asks for, from a tenth of a millisecond to some tens. Move-only.
class GracePeriod {
 public:
  [[nodiscard]] static Result<GracePeriod> make();
  [[nodiscard]] Result<void> wait() const;

 private:
  UniqueFd inner_;
  UniqueFd outer_;
};

}  // namespace tpx::loader
