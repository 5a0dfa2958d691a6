#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "reader/snapshot.h"
#include "schema/metric_schema.h"

namespace tpx::reader {

/// Where the rows of one metric come from: the maps of a generated program, or a map of a BPF object. Used by one thread at
/// a time.
class Source {
 public:
  virtual ~Source() = default;

  /// The rows now. A key that vanishes meanwhile is left out; that is not an error.
  [[nodiscard]] virtual Result<void> read(MapSnapshot& snapshot) = 0;

  /// Events by plan::LostReason, summed over the CPUs.
  [[nodiscard]] virtual std::array<std::uint64_t, schema::RegionLayout::kLostReasons> lost() const = 0;

  /// What a program in C says that it could not keep (its `lost_events`).
  [[nodiscard]] virtual std::uint64_t lost_events() const { return 0; }
};

}  // namespace tpx::reader
