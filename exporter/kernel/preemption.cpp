#include "kernel/preemption.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <system_error>
#include <thread>

#include "base/unique_fd.h"

namespace tpx::kernel {
namespace {

/// The name of the thread whose event spins: 8 bytes with the NUL, compared as one number.
constexpr char kSpinner[8] = "tpxspin";
constexpr std::int32_t kMostLoops = 1 << 23;  // BPF_MAX_LOOPS: some hundred milliseconds

bpf_insn instruction(int code, int destination, int source, int offset, std::int64_t immediate) {
  return bpf_insn{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(static_cast<unsigned>(destination) & 0xfU),
                  static_cast<std::uint8_t>(static_cast<unsigned>(source) & 0xfU), static_cast<std::int16_t>(offset),
                  static_cast<std::int32_t>(immediate)};
}

struct FunctionTypes {
  UniqueFd btf;
  std::array<bpf_func_info, 2> functions{};
};

/// The types of the program and of its callback, which starts at instruction `callback`: the verifier wants the latter's to
/// say that it is static.
FunctionTypes load_types(std::uint32_t callback) {
  struct Free {
    void operator()(::btf* types) const { btf__free(types); }
  };
  const std::unique_ptr<::btf, Free> types(btf__new_empty());
  const int number = btf__add_int(types.get(), "long", 8, BTF_INT_SIGNED);
  const auto add = [&](const char* name, std::initializer_list<const char*> arguments) {
    const int prototype = btf__add_func_proto(types.get(), number);
    for (const char* argument : arguments) {
      btf__add_func_param(types.get(), argument, number);
    }
    return static_cast<std::uint32_t>(btf__add_func(types.get(), name, BTF_FUNC_STATIC, prototype));
  };
  FunctionTypes result;
  result.functions = {{{0, add("spin", {"context"})}, {callback, add("late", {"index", "end"})}}};
  std::uint32_t size = 0;
  const void* bytes = btf__raw_data(types.get(), &size);
  result.btf.reset(bytes == nullptr ? -1 : bpf_btf_load(bytes, size, nullptr));
  return result;
}

/// Spins in kSpinner's events until so many nanoseconds are over; returns at once in all others.
UniqueFd load_spinning(std::uint32_t tracepoint, std::int32_t nanoseconds) {
  std::uint64_t name = 0;
  std::memcpy(&name, kSpinner, sizeof name);
  const bpf_insn code[] = {
      // r1 = the thread's name
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -16),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 16),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_comm),
      instruction(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -16, 0),
      instruction(BPF_LD | BPF_IMM | BPF_DW, 2, 0, 0, static_cast<std::uint32_t>(name)),
      instruction(0, 0, 0, 0, static_cast<std::uint32_t>(name >> 32U)),
      instruction(BPF_JMP | BPF_JNE | BPF_X, 1, 2, 10, 0),
      // *(r10 - 8) = when to end; bpf_loop(kMostLoops, late, r10 - 8, 0)
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, nanoseconds),
      instruction(BPF_STX | BPF_MEM | BPF_DW, 10, 0, -8, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, kMostLoops),
      instruction(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 7),
      instruction(0, 0, 0, 0, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_loop),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      // 20: late(index, &end): 1 ends the loop
      instruction(BPF_LDX | BPF_MEM | BPF_DW, 6, 2, 0, 0),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
      instruction(BPF_JMP | BPF_JGT | BPF_X, 1, 6, 1, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  const FunctionTypes types = load_types(20);
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.expected_attach_type = BPF_TRACE_RAW_TP;
  options.attach_btf_id = tracepoint;
  options.prog_btf_fd = static_cast<std::uint32_t>(types.btf.get());
  options.func_info = types.functions.data();
  options.func_info_cnt = static_cast<std::uint32_t>(types.functions.size());
  options.func_info_rec_size = sizeof(bpf_func_info);
  return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_TRACING, "tpx_spin", "GPL", code, std::size(code), &options));
}

/// Fires sched_process_wait and does nothing else: the process is not its own child.
void make_event() {
  static_cast<void>(wait4(getpid(), nullptr, WNOHANG, nullptr));
}

/// A task's slice of at most 3 ms, the tick that sees it used up, and one more until a lazy preemption is carried out.
std::int32_t spin_nanoseconds() {
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  constexpr long kSlice = 3'000'000;
  constexpr long kMost = 40'000'000;
  const long ticks = tick.tv_sec != 0 ? kMost : 2 * tick.tv_nsec + kSlice + 2'000'000;
  return static_cast<std::int32_t>(ticks < kMost ? ticks : kMost);
}

/// Two threads on one CPU; the calling one goes on as it was. False when the system has no more threads.
bool contend() try {
  std::atomic<bool> ready = false;
  std::atomic<bool> done = false;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  const std::jthread other([&](const std::stop_token& stop) {
    sched_setaffinity(0, sizeof one, &one);
    ready = true;
    while (!done && !stop.stop_requested()) {
      make_event();
    }
  });
  std::jthread spinner([&] {
    sched_setaffinity(0, sizeof one, &one);
    prctl(PR_SET_NAME, kSpinner);
    while (!ready) {
      sched_yield();
    }
    make_event();
    done = true;
  });
  spinner.join();
  return true;
} catch (const std::system_error&) {
  return false;
}

}  // namespace

std::optional<std::uint64_t> misses_under_preemption(std::uint32_t wait_id) {
  const UniqueFd program = load_spinning(wait_id, spin_nanoseconds());
  if (!program.valid()) {
    return std::nullopt;
  }
  {
    const UniqueFd link(bpf_raw_tracepoint_open(nullptr, program.get()));
    if (!link.valid()) {
      return std::nullopt;
    }
    if (!contend()) {
      return std::nullopt;
    }
  }
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) {
    return std::nullopt;
  }
  return info.recursion_misses;
}

}  // namespace tpx::kernel
