#pragma once

#include <span>
#include <string_view>

namespace tpx::typed {

// The rows of the event.field table as text, one file per group of events. Each row follows the tracepoint's
// TP_fast_assign in include/trace/events/ of Linux 5.10 to 6.18. A field that differs between kernels has one row per
// variant, in the order in which they are tried.

/// The rows of the fields that some events share.
struct FieldMappings {
  std::string_view events;  ///< `category/name`, with a space between several; a trailing `*` takes all that begin so
  /// `NAME = EXPRESSION`, or `NAME` for `NAME = args.NAME`, with a semicolon and a space between rows. `NAME[BYTES]` and
  /// `NAME @ENUMERATOR` say FieldRow's `bytes` and `needs`.
  std::string_view fields;
};

/// block/*
[[nodiscard]] std::span<const FieldMappings> block_rows();
/// kmem/*, vmscan/*, compaction/*, migrate/*, huge_memory/*, oom/*, filemap/*
[[nodiscard]] std::span<const FieldMappings> memory_rows();
/// net/*, napi/*, skb/*, sock/*, tcp/*, udp/*
[[nodiscard]] std::span<const FieldMappings> network_rows();
/// ext4/*, jbd2/*, writeback/*
[[nodiscard]] std::span<const FieldMappings> storage_rows();
/// timer/*, workqueue/*, power/*, and the rare events of sched/*, signal/*, task/*, irq/*
[[nodiscard]] std::span<const FieldMappings> system_rows();

}  // namespace tpx::typed
