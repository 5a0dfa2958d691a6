#include "support/report.h"

#include <fstream>

namespace tpx::benchmark {

void report(const std::string& section, const nlohmann::json& values) {
  nlohmann::json all = nlohmann::json::object();
  if (std::ifstream before(TPX_BENCHMARK_JSON); before) {
    all = nlohmann::json::parse(before, nullptr, false);
  }
  if (!all.is_object()) {
    all = nlohmann::json::object();
  }
  all[section] = values;
  std::ofstream(TPX_BENCHMARK_JSON) << all.dump(2) << '\n';
}

}  // namespace tpx::benchmark
