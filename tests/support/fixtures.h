#pragma once

#include <string>
#include <string_view>

namespace tpx::test {

/// The recorded kernels of tests/fixtures.
inline constexpr std::string_view kRecordedReleases[] = {"5.10", "6.1", "6.12-rt"};

/// Where CMake unpacked a recorded kernel: `events/`, `available_events`, `vmlinux.btf`.
[[nodiscard]] std::string recorded_directory(std::string_view release);

}  // namespace tpx::test
