#pragma once

#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace tpx::cli {

/// One thing the exporter needs or likes to have, and whether this machine has it.
struct Finding {
  /// Unknown: this process lacks the capability to find out.
  enum class State : std::uint8_t { Good, Degraded, Missing, Unknown };
  State state = State::Good;
  std::string what;    ///< `BTF`
  std::string detail;  ///< what was found
  std::string fix;     ///< what to do about it; "" when nothing has to be done
};

/// Looks at the kernel, BTF, tracefs, capabilities, BPF features, sysctl settings and the locked-memory limit. Changes
/// nothing but that tracefs is mounted where it may be.
[[nodiscard]] std::vector<Finding> examine_machine(const kernel::Paths& paths);

}  // namespace tpx::cli
