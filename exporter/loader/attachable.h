#pragma once

#include <optional>
#include <string>

#include "base/error.h"

struct bpf_program;

namespace tpx::loader {

/// Why this kernel can't attach a program where its section says, as far as that can be told without attaching: a section
/// that says no place, a kprobe without kprobes (CONFIG_KPROBE_EVENTS), a tracepoint that is not there. What the program
/// attaches to through BTF (tp_btf, fentry, lsm) is checked by the kernel when it loads. `sysfs` is /sys.
[[nodiscard]] std::optional<Error> not_attachable(const ::bpf_program* program, const std::string& sysfs = "/sys");

}  // namespace tpx::loader
