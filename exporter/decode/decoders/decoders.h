#pragma once

#include "decode/decoder.h"

/// One function a file of this directory: what a decoder is called, takes and says of itself, and how it is made.
namespace tpx::decode::decoders {

[[nodiscard]] Entry symbol_entry();
[[nodiscard]] Entry flags_entry();
[[nodiscard]] Entry syscall_entry();
[[nodiscard]] Entry errno_entry();
[[nodiscard]] Entry signal_entry();
[[nodiscard]] Entry ksym_entry();
[[nodiscard]] Entry device_entry();
[[nodiscard]] Entry ifname_entry();
[[nodiscard]] Entry ip_entry();
[[nodiscard]] Entry user_entry();
[[nodiscard]] Entry group_entry();
[[nodiscard]] Entry hex_entry();
[[nodiscard]] Entry cgroup_path_entry();
[[nodiscard]] Entry container_entry();
[[nodiscard]] Entry pod_entry();
[[nodiscard]] Entry namespace_entry();
[[nodiscard]] Entry map_entry();
[[nodiscard]] Entry match_entry();

}  // namespace tpx::decode::decoders
