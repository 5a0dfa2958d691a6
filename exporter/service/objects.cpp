#include "service/objects.h"

#include <filesystem>

namespace tpx::service {

namespace {

namespace fs = std::filesystem;

void plan_object(const config::Object& object, const config::Config::File& file, const kernel::Kernel& kernel,
                 const plan::Options& options, PlannedObjects& result) {
  auto opened = loader::ObjectFile::open(find_object(object.file.value, file.path), object.options, object.file.at);
  if (!opened) {
    result.rejected.push_back({object.file.value, std::move(opened.error()), false, object.file.at});
    return;
  }
  const std::vector<plan::ObjectMap> maps = opened->maps();
  const kernel::Btf btf = opened->btf();
  std::vector<plan::ObjectMetricPlan> metrics;
  const auto plan_metric = [&](const config::ObjectMetric& metric) {
    const std::string name = config::full_name(file.name_space, metric.name.value);
    Errors errors;
    auto planned = plan::plan_object_metric(metric, name, maps, btf, kernel.possible_cpus, options, errors);
    for (Error& error : errors) {
      result.rejected.push_back({name, std::move(error), false, metric.at});
    }
    return planned;
  };
  for (const config::ObjectMetric& metric : object.metrics) {
    if (auto planned = plan_metric(metric)) {
      metrics.push_back(std::move(*planned));
    }
  }
  for (const config::ObjectMetric& metric : object.incomplete) {
    static_cast<void>(plan_metric(metric));
  }
  result.objects.push_back({std::move(*opened), std::move(metrics)});
}

}  // namespace

std::string find_object(const std::string& name, const std::string& config_path) {
  std::error_code ignored;
  const fs::path beside = fs::path(config_path).parent_path() / name;
  if (name.find('/') != std::string::npos || fs::exists(beside, ignored)) {
    return beside.string();
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& place : {program / "bpf" / name, program / "../lib/tracepoint_exporter/bpf" / name}) {
    if (fs::exists(place, ignored)) {
      return place.string();
    }
  }
  return beside.string();
}

PlannedObjects plan_objects(const config::Config& config, const kernel::Kernel& kernel, const plan::Options& options) {
  PlannedObjects result;
  for (const config::Config::File& file : config.files) {
    for (const config::Object& object : file.objects) {
      plan_object(object, file, kernel, options, result);
    }
  }
  return result;
}

}  // namespace tpx::service
