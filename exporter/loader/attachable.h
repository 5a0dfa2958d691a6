#pragma once

#include <optional>
#include <string>

#include "base/error.h"

struct bpf_program;

namespace tpx::loader {

/// The reason why this kernel can't attach a program to the attach point in its section name, if that is known without
/// attaching: a section name without an attach point, a kprobe on a kernel without kprobes (CONFIG_KPROBE_EVENTS), a
/// missing tracepoint. For programs that attach through BTF (tp_btf, fentry, lsm), the kernel checks the attach point at
/// load. `sysfs` is /sys.
[[nodiscard]] std::optional<Error> not_attachable(const ::bpf_program* program, const std::string& sysfs = "/sys");

}  // namespace tpx::loader
