#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tpx::benchmark {

/// Puts one section into build/bench.json, beside those of the other benchmarks.
void report(const std::string& section, const nlohmann::json& values);

}  // namespace tpx::benchmark
