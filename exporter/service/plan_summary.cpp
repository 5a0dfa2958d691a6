#include "service/plan_summary.h"

#include "base/byte_size.h"
#include "base/text.h"

namespace tpx::service {

namespace {

/// Which rows of a series the CPUs add to; empty where each has one.
std::string rows_text(const schema::RegionLayout& region) {
  switch (region.lane_rule) {
    case schema::LaneRule::PerCpu:
      return "";
    case schema::LaneRule::SharedLast:
      return "one for each of " + counted(region.lanes - 1, "CPU") +
             ", one more that CPUs share which come online later";
    case schema::LaneRule::Folded:
      return region.lanes == 1 ? "one that all CPUs share" : std::to_string(region.lanes) + " that all CPUs share";
  }
  return "";
}

/// What an event costs, in words: see docs/how-it-works.md.
std::string cost_class(const plan::PlannedMetric& metric) {
  if (metric.pair) {
    return metric.attach == plan::AttachType::TpBtf ? "medium (a pair: two events, the clock read twice)"
                                                    : "high (a pair on classic tracepoints)";
  }
  if (metric.attach == plan::AttachType::TpBtf) {
    return metric.plan.store.kind == schema::StoreKind::PerCpuHash ? "medium (a hash look-up)" : "low";
  }
  return "medium (the kernel makes the record first)";
}

}  // namespace

std::string plan_summary(const plan::PlannedMetric& metric) {
  const schema::MetricSchema& plan = metric.plan;
  std::string text = plan.name + "\n";
  const auto line = [&](const char* name, const std::string& value) {
    text += std::string("  ") + name + value + "\n";
  };
  line("attach  ", std::string(plan::name(metric.attach)) + ": " + metric.attach_reason);
  const std::size_t more = metric.tracepoints.size() - 1;
  line("on      ", metric.tracepoints.front() + (more > 0 ? " and " + std::to_string(more) + " more" : ""));
  line("store   ", schema::store_name(plan.store.kind) + " (" + plan.store.reason + "), " +
                       byte_size_text(metric.map_bytes()) + ", at most " + std::to_string(plan.store.max_series) +
                       " series");
  if (const std::string rows = rows_text(plan.store.region); !rows.empty()) {
    line("rows    ", rows);
  }
  line("cost    ", cost_class(metric));
  for (const std::string& note : metric.notes) {
    line("note    ", note);
  }
  return text;
}

}  // namespace tpx::service
