#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/kernel.h"
#include "plan/planner.h"

namespace tpx::benchmark {

/// What is attached; detached when it goes.
using Attachment = std::shared_ptr<void>;

/// One way to count the same thing.
struct Contender {
  std::string name;
  int rounds = 1;  ///< of attaching and detaching
  std::function<Result<Attachment>()> attach;
};

/// How its programs are attached: as `serve` does it, or directly, as where the kernel has no slots for them.
enum class Attached : std::uint8_t { Slot, Directly };

/// This exporter, from the configuration's text on.
[[nodiscard]] Result<Contender> exporter(const std::string& yaml, const kernel::Kernel& kernel, Attached how);

/// Where the exporter attaches for this configuration.
[[nodiscard]] Result<std::vector<plan::AttachPoint>> attach_points(const std::string& yaml,
                                                                   const kernel::Kernel& kernel);

/// A program that does nothing, or adds one to a word of an array, at each of these points.
[[nodiscard]] Contender empty_program(std::vector<plan::AttachPoint> points, bool increment);

/// The hand-written C of usual/NAME.bpf.c; fails to attach when clang was absent at build.
[[nodiscard]] Contender usual_c(const std::string& name);

/// A bpftrace script; fails to attach when bpftrace is absent. `keys` is the size of its maps.
[[nodiscard]] Contender bpftrace(const std::string& script, int keys);

}  // namespace tpx::benchmark
