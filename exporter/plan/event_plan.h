#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "plan/planner.h"
#include "plan/program_plan.h"

namespace tpx::plan {

/// One value of an event's record, in the order that it is shown.
struct EventColumn {
  std::string name;
  schema::ValueType type;
  std::uint32_t offset = 0;  ///< in the record
  TypedExprPtr value;
  std::optional<kernel::Field> field;              ///< the field of the format that it shows; none for an expression
  bool dereferenced = false;                       ///< the string that the field points to
  std::vector<schema::DecoderCall> decoders = {};  ///< asked for; first applied first
};

/// How the events of one tracepoint are copied to user space. A record begins with
///   u64 time in nanoseconds of CLOCK_MONOTONIC, u32 process id, u32 thread id, u32 cpu, u32 number of the
/// request, char comm[16]
/// and goes on with the columns, each aligned to its size (at most 8). Strings end at the first NUL.
struct EventPlan {
  static constexpr std::uint32_t kTime = 0;
  static constexpr std::uint32_t kPid = 8;
  static constexpr std::uint32_t kTid = 12;
  static constexpr std::uint32_t kCpu = 16;
  static constexpr std::uint32_t kNumber = 20;
  static constexpr std::uint32_t kComm = 24;
  static constexpr std::uint32_t kHeaderBytes = 40;

  std::string tracepoint;  ///< `category/name`
  std::shared_ptr<const kernel::Format> format;
  AttachPoint point;
  std::string attach_reason;
  std::optional<SyscallDispatch> dispatch;
  TypedExprPtr filter;  ///< null: all events
  std::vector<EventColumn> header;
  std::vector<EventColumn> columns;
  std::uint32_t record_bytes = kHeaderBytes;  ///< a multiple of 8
  std::vector<std::string> left_out;          ///< fields that can't be shown, each with its reason
};

/// What the user asks for.
struct EventRequest {
  std::string tracepoint;  ///< `category/name`
  std::optional<std::string> filter;
  std::vector<std::string>
      fields;  ///< names of fields, or expressions of the configuration language, as labels have; empty: all fields
  std::vector<std::string> names = {};  ///< what to show for each of `fields`; empty: as they are
  std::string key = {};      ///< an expression whose value is the first column, before the fields; empty: none
  std::uint32_t number = 0;  ///< of its records, where several requests share a buffer
};

/// Plans the copying of a tracepoint's events, attached the cheapest way that has all the fields. Fails on a tracepoint that
/// the kernel lacks, a field that it has not, and a filter that is no integer expression.
[[nodiscard]] Result<EventPlan> plan_events(const EventRequest& request, const kernel::Kernel& kernel,
                                            const Options& options);

}  // namespace tpx::plan
