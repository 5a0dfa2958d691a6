#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "plan/planner.h"

namespace tpx::test {

/// Compares `text` with the file `tests/golden/NAME` and fails the test at the first line that differs. With
/// TPX_UPDATE_GOLDEN=1 in the environment the file is written instead: look at what changed before it is committed.
void check_golden(const std::string& name, const std::string& text);

/// The stems of `tests/golden/DIRECTORY/*.yaml`, sorted.
[[nodiscard]] std::vector<std::string> golden_cases(const std::string& directory);
/// `tests/golden/DIRECTORY/NAME.yaml`
[[nodiscard]] std::string golden_input(const std::string& directory, const std::string& name);

/// What a comment line `# KEY: VALUE` of a case says; `otherwise` when there is none.
[[nodiscard]] std::string directive(const std::string& yaml, const std::string& key, const std::string& otherwise);

/// A recorded kernel (`6.1`), as on a machine of two CPUs.
[[nodiscard]] const kernel::Kernel& golden_kernel(const std::string& release);
/// The planner's options with the decoders there are.
[[nodiscard]] plan::Options golden_options();

}  // namespace tpx::test
