#include "support/fixtures.h"

#include "test_paths.h"

namespace tpx::test {

std::string recorded_directory(std::string_view release) {
  return std::string(TPX_BINARY_DIR "/fixtures/").append(release);
}

}  // namespace tpx::test
