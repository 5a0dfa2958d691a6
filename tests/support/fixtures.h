#pragma once

#include <string>
#include <string_view>

namespace tpx::test {

/// The recorded kernels of tests/fixtures.
inline constexpr std::string_view kRecordedReleases[] = {"5.10", "6.1", "6.12-rt"};

/// Where CMake unpacked a recorded kernel: `events/`, `available_events`, `vmlinux.btf`.
inline std::string recorded_directory(std::string_view release) {
  return std::string(TPX_BINARY_DIR "/fixtures/").append(release);
}

}  // namespace tpx::test
