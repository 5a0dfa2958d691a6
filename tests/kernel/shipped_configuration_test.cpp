#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"
#include "service/deploy.h"
#include "service/prepare.h"
#include "test_paths.h"

namespace tpx::test {
namespace {

std::vector<std::string> shipped() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(TPX_SOURCE_DIR "/config")) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::uint64_t first_words(const loader::LoadedMetric& metric) {
  reader::MapSnapshot snapshot;
  REQUIRE(reader::Reader(metric).read(snapshot).has_value());
  std::uint64_t sum = 0;
  for (const std::uint64_t word : snapshot.values) {
    sum += word;
  }
  return sum;
}

TEST_CASE("every shipped configuration attaches as a whole", "[kernel]") {
  REQUIRE_FALSE(shipped().empty());
  for (const std::string& file : shipped()) {
    INFO(file);
    const config::Loaded loaded = config::load({file});
    INFO(config::render(loaded.errors, loaded.config));
    REQUIRE(loaded.errors.empty());
    const service::Deployment attached = service::deploy(service::prepare(loaded, this_kernel()), this_kernel());
    for (const auto* rejected : {&attached.rejected, &attached.loaded.rejected}) {
      for (const plan::Rejected& metric : *rejected) {
        INFO(metric.error.message << "; " << metric.error.hint);
        // This machine's kernel may lack a tracepoint; what it has must load.
        CHECK((metric.kernel_dependent && metric.error.message.find("verifier") == std::string::npos));
      }
    }
    CHECK_FALSE(attached.loaded.metrics.empty());
    CHECK(attached.loaded.refused_loads.empty());
    if (file.find("run-queue-latency") != std::string::npos || file.find("syscall-latency") != std::string::npos) {
      Workload workload("context_switches", {"53"});
      workload.run();
      for (const loader::LoadedMetric& metric : attached.loaded.metrics) {
        INFO(metric.planned.plan.name);
        CHECK(first_words(metric) > 0);
      }
    }
  }
}

}  // namespace
}  // namespace tpx::test
