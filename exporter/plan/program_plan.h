#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/metric_schema.h"
#include "typed/expr.h"

namespace tpx::plan {

using typed::TypedExprPtr;

/// How a program is attached.
enum class AttachType : std::uint8_t {
  TpBtf,   ///< BPF_PROG_TYPE_TRACING on the raw tracepoint: typed arguments, own recursion guard, detaches at once
  Classic  ///< BPF_PROG_TYPE_TRACEPOINT on a perf event: the record as the format file lays it out
};

[[nodiscard]] std::string_view name(AttachType type);

struct AttachPoint {
  AttachType type = AttachType::TpBtf;
  std::string category;  ///< Classic
  std::string event;     ///< Classic: the tracepoint's name; TpBtf: the raw tracepoint's
  std::uint32_t id = 0;  ///< Classic: the event's id; TpBtf: the BTF id of btf_trace_NAME
  friend bool operator==(const AttachPoint&, const AttachPoint&) = default;
  [[nodiscard]] std::string text() const;
};

/// Which system calls a unit of a program on raw sys_enter or sys_exit serves.
struct SyscallDispatch {
  TypedExprPtr number;                 ///< the call's number
  TypedExprPtr compat;                 ///< not 0 in a 32-bit call, which the syscalls/* events leave out; may be null
  std::vector<std::uint32_t> numbers;  ///< one: compared; several: looked up, DispatchIndex is the entry of `indexes`
  std::vector<std::uint32_t> indexes;  ///< same length as numbers
};

/// Builds the key, finds the row, updates it.
struct Count {
  std::vector<TypedExprPtr> labels;  ///< as many as the metric's key has fields
  TypedExprPtr value;                ///< null: 1 (counter)
};
/// Where one captured value lies in a pair's slot.
struct Capture {
  TypedExprPtr value;
  std::uint32_t offset = 0;  ///< in the payload
  std::uint32_t size = 8;    ///< room for it there, a multiple of 8: what the end reads
};
struct PairStart {
  TypedExprPtr key;
  std::vector<Capture> captures;
};
/// Ends a pair and counts the duration in nanoseconds.
struct PairEnd {
  TypedExprPtr key;
  /// Null: all events pass. If one of them rejects an end, the pair ends without being counted. If there was no start, an
  /// event that `end_filter` rejects does not count as an end without a start.
  TypedExprPtr end_filter;  ///< of `to`
  TypedExprPtr filter;      ///< of the metric
  /// If the end's tracepoint also starts pairs of the same key: non-zero for events that start one. If end_filter rejects
  /// such an event, it does not end the earlier pair; the new start replaces the earlier one. Null: no event starts a pair.
  TypedExprPtr restarts;
  Count count;  ///< value null: the duration
};

/// What one metric does in one program.
struct Unit {
  std::size_t metric = 0;  ///< index in Plan::metrics
  std::optional<SyscallDispatch> dispatch;
  TypedExprPtr filter;  ///< null: all events
  std::variant<Count, PairStart, PairEnd> action;
};

/// One program: an attach point and all that its metrics do there, in order.
struct ProgramPlan {
  AttachPoint point;
  std::string name;  ///< at most 15 characters, for bpftool
  std::vector<Unit> units;
  std::optional<std::uint32_t> task_argument = std::nullopt;  ///< TpBtf: the argument that is the current task
};

/// The slots in which a pair keeps its starts: a mmapable array with one value,
///   counters  u64[cpus][8] by LostReason (in the metric's region, not here)
///   slots     {u64 owner; u64 key; u64 time; payload}[slots]
/// owner: 0 empty, else key << 2 | SlotState (Claimed while written or read, Ready).
/// See docs/design/pairs.md.
struct PairLayout {
  std::uint32_t slots = 65536;
  std::uint32_t payload_size = 0;  ///< multiple of 8
  bool hashed = false;             ///< slot = hash of the key; else its low bits
  [[nodiscard]] std::uint32_t stride() const { return 24 + payload_size; }
  [[nodiscard]] std::uint64_t total_bytes() const { return std::uint64_t{slots} * stride(); }
};

/// One metric with how it is served.
struct PlannedMetric {
  schema::MetricSchema plan;
  std::optional<PairLayout> pair;
  AttachType attach = AttachType::TpBtf;
  std::string attach_reason;             ///< why this attach type
  std::vector<std::string> tracepoints;  ///< `category/name`, or the raw name
  bool counts_events = true;             ///< false: the counter adds up values, such as bytes
  std::vector<std::string> notes;        ///< what was left out, such as a listed tracepoint that the kernel lacks
  Errors warnings;                       ///< valid, but probably not intended; each with its location
  /// Kernel memory of its maps.
  [[nodiscard]] std::uint64_t map_bytes() const {
    return plan.store.map_bytes(plan.key.size, plan.value.bytes()) + (pair ? pair->total_bytes() : 0);
  }
};

/// A metric that can't be had here.
struct Rejected {
  std::string name;
  Error error;
  /// True when another kernel may take it: no such tracepoint, field or BTF here.
  bool kernel_dependent = false;
  SourceLocation at;
};

/// The programs that note which ids are over, and where they find them. A typed one knows when the last thread of a process
/// ends. Where only the format is there, a process counts as over with its first thread: the kernel frees that one last,
/// but it may exit before the others.
struct ExitPlan {
  AttachPoint exit;  ///< sched_process_exit: in the task that ends, before its last switch off a CPU
  AttachPoint free;  ///< sched_process_free: after all that it does; both are of one type
  std::uint32_t exit_thread_offset = 0;  ///< Classic: of `pid` in the record of `exit`
  std::uint32_t free_thread_offset = 0;  ///< Classic: of `pid` in the record of `free`
  std::uint32_t thread_offset = 0;       ///< TpBtf, as are the following: of task_struct.pid
  std::uint32_t process_offset = 0;      ///< of task_struct.tgid
  std::uint32_t signal_offset = 0;       ///< of task_struct.signal
  std::uint32_t live_offset = 0;         ///< of signal_struct.live, how many threads have not exited
};

struct Plan {
  std::vector<PlannedMetric> metrics;
  std::vector<ProgramPlan> programs;
  std::vector<Rejected> rejected;
  std::optional<ExitPlan> exits;  ///< when a metric retires series
  std::uint64_t map_bytes = 0;    ///< of all metrics
  std::uint64_t max_bytes = 0;    ///< what they may take
};

}  // namespace tpx::plan
