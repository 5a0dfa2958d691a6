#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/typed_expression.h"
#include "config/config.h"

namespace tpx::cli {

/// What `top` is asked to show, in the words of its options.
struct TopRequest {
  std::string tracepoint;       ///< ad hoc: a tracepoint …
  std::string from;             ///< … or the start and
  std::string to;               ///< end of a pair
  std::string key = "tid";      ///< of the pair
  std::vector<std::string> by;  ///< `EXPRESSION` or `NAME=EXPRESSION`
  std::string value;            ///< counter: what to add; histogram: what to observe
  std::string filter;
  bool histogram = false;          ///< percentiles of `value`
  std::string metric;              ///< a metric of the configuration, with or without its namespace
  std::vector<std::string> files;  ///< the configuration; none: the built-in one
};

/// What is missing or contradicts, before any expression is read.
[[nodiscard]] Result<void> check_request(const TopRequest& request);

/// A configuration of the one metric to show, of a request that check_request() accepts. All errors are the user's. `typed` gets the expressions of the options.
[[nodiscard]] Result<config::Config> top_configuration(const TopRequest& request, TypedOptions& typed);

}  // namespace tpx::cli
