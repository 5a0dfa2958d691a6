#pragma once

#include <span>

#include "typed/field_table.h"

namespace tpx::typed {

// The rows of the event.field table, one file per group of events. Each row follows the tracepoint's TP_fast_assign in
// include/trace/events/ of Linux 5.10 to 6.18. A field that differs between kernels has one row per variant.

/// block/*
[[nodiscard]] std::span<const FieldRow> block_rows();
/// kmem/*, vmscan/*, compaction/*, migrate/*, huge_memory/*, oom/*, filemap/*
[[nodiscard]] std::span<const FieldRow> memory_rows();
/// net/*, napi/*, skb/*, sock/*, tcp/*, udp/*
[[nodiscard]] std::span<const FieldRow> network_rows();
/// ext4/*, jbd2/*, writeback/*
[[nodiscard]] std::span<const FieldRow> storage_rows();
/// timer/*, workqueue/*, power/*, and the rare events of sched/*, signal/*, task/*, irq/*
[[nodiscard]] std::span<const FieldRow> system_rows();

}  // namespace tpx::typed
