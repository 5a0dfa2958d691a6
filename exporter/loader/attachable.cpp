#include "loader/attachable.h"

#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "kernel/tracefs.h"

namespace tpx::loader {

namespace {

bool starts_with_any(std::string_view section, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return section.starts_with(prefix); });
}

/// The types that libbpf attaches by the section alone (libbpf.c: section_defs).
bool attaches_by_section(bpf_prog_type type) {
  constexpr std::array kTypes{BPF_PROG_TYPE_KPROBE,    BPF_PROG_TYPE_TRACEPOINT,
                              BPF_PROG_TYPE_TRACING,   BPF_PROG_TYPE_RAW_TRACEPOINT,
                              BPF_PROG_TYPE_LSM,       BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
                              BPF_PROG_TYPE_PERF_EVENT};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

/// `tp/CATEGORY/NAME` or `tracepoint/CATEGORY/NAME` → `CATEGORY/NAME`; else "".
std::string tracepoint_of(std::string_view section) {
  return starts_with_any(section, {"tp/", "tracepoint/"}) ? std::string(section.substr(section.find('/') + 1)) : "";
}

Error at_no_place() {
  return {
      "its section name does not say where to attach", "write for example SEC(\"tp/CATEGORY/NAME\")", {}, EOPNOTSUPP};
}

}  // namespace

std::optional<Error> not_attachable(const ::bpf_program* program, const std::string& sysfs) {
  const std::string_view section = bpf_program__section_name(program);
  if (!attaches_by_section(bpf_program__type(program))) {
    return at_no_place();
  }
  if (starts_with_any(section, {"kprobe/", "kretprobe/", "ksyscall/", "kretsyscall/"}) &&
      ::access((sysfs + "/bus/event_source/devices/kprobe").c_str(), F_OK) != 0) {
    return Error{
        "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)", "attach it to a tracepoint or to fentry", {}, ENOENT};
  }
  const std::string tracepoint = tracepoint_of(section);
  if (const auto tracefs = kernel::Tracefs::find(); !tracepoint.empty() && tracefs && !tracefs->has(tracepoint)) {
    return Error{"this kernel has no tracepoint " + tracepoint, {}, {}, ENOENT};
  }
  return std::nullopt;
}

}  // namespace tpx::loader
