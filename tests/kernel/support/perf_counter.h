#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace tpx::test {

/// What perf counts of a tracepoint: another user of it beside the exporter. Fails the test where the kernel refuses.
class PerfCounter {
 public:
  enum class Of : std::uint8_t {
    ThisThread,  ///< exact: what this thread does
    Machine      ///< all that happens on any CPU
  };

  /// Counts from here on. `event` is `category/name`.
  PerfCounter(const std::string& event, Of whose);
  [[nodiscard]] std::uint64_t count() const;

 private:
  std::vector<UniqueFd> events_;
};

}  // namespace tpx::test
