#pragma once

#include <string>
#include <vector>

#include "http/message.h"
#include "kernel/kernel.h"
#include "page/layout.h"
#include "page/sources.h"

namespace tpx::page {

/// The tracepoints of `events` (`category/name`) that match `query`, for the page that lists them: a glob where it has `*` or
/// `?`, words that are all in the name otherwise. `sched:sched_switch` reads as `sched/sched_switch`.
[[nodiscard]] std::vector<std::string> matching_tracepoints(const std::vector<std::string>& events,
                                                            const std::string& query);

/// The list of the tracepoints that match; without a query the categories. At most 500 names are shown.
[[nodiscard]] std::string tracepoint_list_page(const PageInfo& info, const std::vector<std::string>& events,
                                               const std::string& query);

/// One tracepoint: its fields, what reads them, how it is attached, and a configuration that counts it in a bounded number of
/// series.
[[nodiscard]] std::string tracepoint_page(const PageInfo& info, const kernel::Format& format,
                                          const kernel::Kernel& kernel);

/// The handler of `/tracepoints`: `?q=` lists, `?name=CATEGORY/NAME` describes one.
[[nodiscard]] http::Handler tracepoint_page_handler(const Sources& sources);

}  // namespace tpx::page
