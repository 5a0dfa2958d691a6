#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "assembler/program.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// A program that the verifier took, and its attachment. Move-only; the link dies before the program.
class LoadedProgram {
 public:
  /// Loads a generated program; `descriptor` gives the maps. A refusal says the last useful line of the verifier's log with
  /// the comment of the instruction it is about; the hint says how to see the whole log.
  [[nodiscard]] static Result<LoadedProgram> load(const plan::AttachPoint& point, const std::string& name,
                                                  const assembler::Program& program,
                                                  const std::function<int(const std::string&)>& descriptor);

  /// The same program and attachment, which end with the last of their owners.
  [[nodiscard]] Result<LoadedProgram> share() const;

  /// From now on the program runs on every event, on all CPUs.
  [[nodiscard]] Result<void> attach(const plan::AttachPoint& point);

  /// Ends that, as its destruction does. A classic tracepoint's takes until no CPU is in the tracepoint any more.
  void detach();

  [[nodiscard]] int descriptor() const { return program_.get(); }
  /// Of the attachment; -1 where the kernel has no links for it, and while it is not attached.
  [[nodiscard]] int link_descriptor() const { return link_.get(); }
  /// A program that is attached by a link, both from elsewhere.
  [[nodiscard]] static LoadedProgram adopt(UniqueFd program, UniqueFd link);

  /// bpf_prog_info's counters. Runs and time count only while BPF statistics are on.
  struct Statistics {
    std::uint64_t runs = 0;
    std::uint64_t nanoseconds = 0;
    std::uint64_t recursion_misses = 0;
  };
  [[nodiscard]] Result<Statistics> statistics() const;

 private:
  UniqueFd program_;
  UniqueFd event_;  ///< the perf event of a classic tracepoint
  UniqueFd link_;
};

/// Whether to attach programs, or only to load and verify them.
enum class Attach : std::uint8_t { Yes, No };

/// What the verifier says of a program, without attaching it: its log (level 1), also when it takes the program.
struct Verdict {
  bool taken = false;
  std::string log;
};
[[nodiscard]] Result<Verdict> verify(const plan::AttachPoint& point, const assembler::Program& program,
                                     const std::function<int(const std::string&)>& descriptor);

}  // namespace tpx::loader
