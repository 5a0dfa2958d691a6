#include "plan/metric_planner.h"

#include "plan/metric_steps.h"
#include "plan/pair_planner.h"

namespace tpx::plan {

namespace {

class CountPlanner : private MetricSteps {
 public:
  using MetricSteps::MetricSteps;

  MetricOutcome run(const config::Events& events) {
    read_labels();
    plan_count(events);
    return take();
  }

 private:
  void plan_count(const config::Events& events) {
    const std::vector<Tracepoint> found = tracepoints(events);
    std::vector<BoundSite> sites;
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto bound = bind_best(found[i], i, nullptr, nullptr, true);
      if (!bound) {
        add_errors(std::move(bound.error()), metric_.at);
        continue;
      }
      sites.push_back(std::move(*bound));
      metric_plan_.tracepoints.push_back(found[i].name);
    }
    if (sites.size() < found.size() || sites.empty()) {
      check_names(found);
      return;
    }
    const bool keyed = make_key(sites, nullptr);
    if (!find_retired_label(sites) || !keyed) {
      return;
    }
    make_value(sites, false);
    set_help("Events of " + metric_plan_.tracepoints.front() +
             (sites.size() > 1 ? " and " + std::to_string(sites.size() - 1) + " more tracepoints." : "."));
    for (BoundSite& site : sites) {
      site.filter = std::move(site.count_filter);
    }
    add_units(sites, [&](std::size_t i) { return Count{sites[i].labels, sites[i].value}; });
    finish(sites);
  }
};

}  // namespace

MetricOutcome plan_metric(const config::Metric& metric, const std::string& full_name, std::size_t index,
                          const kernel::Kernel& kernel, const Options& options) {
  if (std::holds_alternative<config::Pair>(metric.source)) {
    return plan_pair(metric, full_name, index, kernel, options);
  }
  return CountPlanner(metric, full_name, index, kernel, options).run(std::get<config::Events>(metric.source));
}

}  // namespace tpx::plan
