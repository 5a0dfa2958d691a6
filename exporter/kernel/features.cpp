#include "kernel/features.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "kernel/btf.h"
#include "kernel/preemption.h"

namespace tpx::kernel {
namespace {

constexpr bpf_insn instruction(int code, unsigned destination, unsigned source, std::int16_t offset,
                               std::int32_t immediate) {
  return bpf_insn{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(destination & 0xfU),
                  static_cast<std::uint8_t>(source & 0xfU), offset, immediate};
}
constexpr bpf_insn kReturnZero = instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
constexpr bpf_insn kExit = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
constexpr bpf_insn kClearSlot = instruction(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0);

constexpr bpf_insn call(std::int32_t helper) {
  return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

UniqueFd load(bpf_prog_type type, std::span<const bpf_insn> code, std::uint32_t tracepoint = 0,
              std::span<char> log = {}) {
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  if (tracepoint != 0) {
    options.expected_attach_type = BPF_TRACE_RAW_TP;
    options.attach_btf_id = tracepoint;
  }
  if (!log.empty()) {
    options.log_buf = log.data();
    options.log_size = static_cast<std::uint32_t>(log.size());
    options.log_level = 1;
  }
  return UniqueFd(bpf_prog_load(type, "tpx_probe", "GPL", code.data(), code.size(), &options));
}

UniqueFd create(bpf_map_type type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                std::uint32_t flags = 0) {
  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  options.map_flags = flags;
  return UniqueFd(bpf_map_create(type, "tpx_probe", key, value, entries, &options));
}

bool has_fetch_atomics() {
  const bpf_insn code[] = {kClearSlot, instruction(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
                           instruction(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -8, BPF_ADD | BPF_FETCH), kReturnZero,
                           kExit};
  return load(BPF_PROG_TYPE_SOCKET_FILTER, code).valid();
}

/// Whether tracing programs may call `helper`; its arguments are wrong on purpose, only the reason of the refusal counts.
bool has_tracing_helper(std::int32_t helper) {
  const bpf_insn code[] = {call(helper), kReturnZero, kExit};
  std::array<char, 4096> log{};
  if (load(BPF_PROG_TYPE_RAW_TRACEPOINT, code, 0, log).valid()) {
    return true;
  }
  const int code_of_failure = errno;
  const std::string_view text(log.data());
  // Without privilege the verifier is never reached and its log stays empty.
  return code_of_failure == EINVAL || code_of_failure == EACCES
             ? !text.empty() && text.find("unknown func") == std::string_view::npos &&
                   text.find("invalid func") == std::string_view::npos &&
                   text.find("cannot use helper") == std::string_view::npos
             : false;
}

/// What a classic attachment asks for, on an event that never fires: a system-wide perf event of CPU 0.
bool may_open_perf_events() {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_DUMMY;
  const long fd = ::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
  return UniqueFd(static_cast<int>(fd)).valid();
}

bool has_recursion_misses(const UniqueFd& program) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof(info);
  constexpr std::size_t kNeeded = offsetof(bpf_prog_info, recursion_misses) + sizeof(info.recursion_misses);
  return bpf_obj_get_info_by_fd(program.get(), &info, &length) == 0 && length >= kNeeded;
}

std::pair<int, int> running_release() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) {
    return {0, 0};
  }
  return {major, minor};
}

bool is_realtime() {
  utsname name{};
  return ::uname(&name) == 0 && std::string_view(name.version).find("PREEMPT_RT") != std::string_view::npos;
}

constexpr Features kNothing{false, false, false, false, false, false, false, false, false};

}  // namespace

Features probe_features(const Btf* btf) {
  Features out = kNothing;
  // What no probe can show, a release tells.
  const auto [major, minor] = running_release();
  const Features expected = features_of_release(major, minor);
  const bpf_insn empty[] = {kReturnZero, kExit};

  out.mmapable_array = create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE).valid();
  out.ring_buffer = create(BPF_MAP_TYPE_RINGBUF, 0, 0, static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE))).valid();
  out.fetch_atomics = has_fetch_atomics();
  out.current_task_btf = btf != nullptr && has_tracing_helper(BPF_FUNC_get_current_task_btf);

  const UniqueFd classic = load(BPF_PROG_TYPE_TRACEPOINT, empty);
  out.classic_tracepoint = classic.valid() && may_open_perf_events();
  if (classic.valid()) {
    // EBADF: it knows the link type and only misses the event. EINVAL: it does not.
    out.perf_link = bpf_link_create(classic.get(), -1, BPF_PERF_EVENT, nullptr) < 0 && errno == EBADF;
    out.recursion_misses = expected.recursion_misses && has_recursion_misses(classic);
  }
  if (btf != nullptr) {
    const auto tracepoint = btf->tracepoint_id("sched_switch");
    out.tp_btf = tracepoint && load(BPF_PROG_TYPE_TRACING, empty, *tracepoint).valid();
    out.tp_btf_recursion_guard = out.tp_btf && expected.tp_btf_recursion_guard;
    const auto wait = btf->tracepoint_id("sched_process_wait");
    out.tp_btf_exact = !out.tp_btf || !wait || misses_under_preemption(*wait).value_or(0) == 0;
  }
  out.realtime = is_realtime();
  return out;
}

bool may_load_programs() {
  const bpf_insn empty[] = {kReturnZero, kExit};
  return load(BPF_PROG_TYPE_TRACEPOINT, empty).valid() || errno != EPERM;
}

Features features_of_running_release(const Btf* btf) {
  const auto [major, minor] = running_release();
  Features out = features_of_release(major, minor);
  if (btf == nullptr) {
    out.tp_btf = out.tp_btf_recursion_guard = out.current_task_btf = false;
  }
  return out;
}

Features features_of_release(int major, int minor) {
  const auto since = [&](int m, int n) { return std::pair(major, minor) >= std::pair(m, n); };
  Features out;
  out.mmapable_array = since(5, 5);
  out.tp_btf = since(5, 5);
  out.classic_tracepoint = true;
  out.ring_buffer = since(5, 8);
  out.current_task_btf = since(5, 11);
  out.fetch_atomics = since(5, 12);
  out.perf_link = since(5, 15);
  out.tp_btf_recursion_guard = since(6, 2);
  out.recursion_misses = since(6, 7);
  out.tp_btf_exact = !since(7, 0);
  return out;
}

}  // namespace tpx::kernel
