#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// A pinned Region: the name of its pin, its size, and the piece that is not mapped.
struct PinnedRegion {
  std::string pin;
  std::uint64_t bytes = 0;
  std::uint64_t hidden_offset = 0;
  std::uint64_t hidden_bytes = 0;
};

/// An attach point that counts while no exporter runs.
struct PinnedPoint {
  plan::AttachPoint point;
  std::string slot;
  std::string stub;
  std::string link;
};

/// A metric that counts there; see LoadedMetric.
struct PinnedMetric {
  std::string name;
  std::string identity;
  PinnedRegion region;
  std::string hash;  ///< "": none
  PinnedRegion pair;
  PinnedRegion shown;
  std::vector<std::size_t> points;  ///< by index in PinHeader::points
  std::vector<std::uint64_t> misses_before;
};

/// What a pin directory holds. Plain values.
struct PinHeader {
  std::vector<PinnedPoint> points;
  std::vector<PinnedMetric> metrics;
};

/// The header as bytes: a version, then all members in order, each text with its length; a checksum at the end.
[[nodiscard]] std::string render_pin_header(const PinHeader& header);
/// Takes any bytes. Fails on another version, a wrong checksum, and whatever render_pin_header() does not write.
[[nodiscard]] Result<PinHeader> parse_pin_header(const std::string& text);

}  // namespace tpx::loader
