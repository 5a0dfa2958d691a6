#pragma once

#include <span>

#include "plan/field_table.h"

namespace tpx::plan {

// The rows of the event.field table, a file for each group of events. Each follows the tracepoint's TP_fast_assign in
// include/trace/events/ of Linux 5.10 to 6.18; what differs between kernels has a row for each.

/// block/*
[[nodiscard]] std::span<const FieldRow> block_rows();
/// kmem/*, vmscan/*, compaction/*, migrate/*, huge_memory/*, oom/*, filemap/*
[[nodiscard]] std::span<const FieldRow> memory_rows();
/// net/*, napi/*, skb/*, sock/*, tcp/*, udp/*
[[nodiscard]] std::span<const FieldRow> network_rows();
/// ext4/*, jbd2/*, writeback/*
[[nodiscard]] std::span<const FieldRow> storage_rows();
/// timer/*, workqueue/*, power/*, and what is seldom of sched/*, signal/*, task/*, irq/*
[[nodiscard]] std::span<const FieldRow> system_rows();

}  // namespace tpx::plan
