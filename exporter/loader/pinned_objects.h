#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "loader/loader.h"
#include "loader/pin_header.h"

namespace tpx::loader {

/// Opens what is pinned there.
[[nodiscard]] Result<UniqueFd> open_pin(const std::string& path);

/// What the map is; fails when it is of another type. `path` is for the error.
[[nodiscard]] Result<bpf_map_info> map_info(const UniqueFd& map, bpf_map_type type, const std::string& path);

/// The kernel's id of a program or map; 0 when it is none.
[[nodiscard]] std::uint32_t program_id(int program);
[[nodiscard]] std::uint32_t map_id(int map);

/// The maps of a metric in a pin directory. Fails when one is missing, or of another type or size than the header says.
[[nodiscard]] Result<LoadedMetric> open_metric(const std::string& directory, const PinnedMetric& pinned);

/// The slot, stub and link of an attach point there. Fails when one is missing, or the link is not that of the stub.
[[nodiscard]] Result<ServingProgram> open_point(const std::string& directory, const PinnedPoint& pinned);

}  // namespace tpx::loader
