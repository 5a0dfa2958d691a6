#include "service/plan_summary.h"

namespace tpx::service {

namespace {

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::uint64_t kLarge = 10ULL << 20U;
  return bytes >= kLarge ? std::to_string(bytes >> 20U) + " MiB" : std::to_string((bytes + 1023) >> 10U) + " KiB";
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
  const std::uint64_t bytes =
      plan.store.map_bytes(plan.key.size, plan.value.bytes()) + (metric.pair ? metric.pair->total_bytes() : 0);
  std::string text = plan.name + "\n";
  const auto line = [&](const char* name, const std::string& value) {
    text += std::string("  ") + name + value + "\n";
  };
  line("attach  ", std::string(plan::name(metric.attach)) + ": " + metric.attach_reason);
  const std::size_t more = metric.tracepoints.size() - 1;
  line("on      ", metric.tracepoints.front() + (more > 0 ? " and " + std::to_string(more) + " more" : ""));
  line("store   ", schema::store_name(plan.store.kind) + " (" + plan.store.reason + "), " + bytes_text(bytes) +
                       ", at most " + std::to_string(plan.store.max_series) + " series");
  line("cost    ", cost_class(metric));
  for (const std::string& note : metric.notes) {
    line("note    ", note);
  }
  return text;
}

}  // namespace tpx::service
