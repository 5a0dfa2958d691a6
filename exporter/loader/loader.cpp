#include "loader/loader.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>

#include "base/parallel.h"
#include "base/shortage.h"
#include "loader/object_name.h"

namespace tpx::loader {

namespace {

constexpr std::size_t kDetachThreads = 32;  // they sleep

Result<UniqueFd> create_hash(const schema::MetricSchema& plan) {
  const auto type = plan.store.hash_copies() > 1 ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
  UniqueFd map(bpf_map_create(type, object_name(plan.name).c_str(), plan.key.size, plan.value.bytes(),
                              plan.store.max_series, nullptr));
  if (!map.valid()) {
    return fail(os_failure("can't create a hash of " + std::to_string(plan.store.max_series) + " entries", errno,
                           "lower max_series"));
  }
  return map;
}

}  // namespace

Result<LoadedMetric> create_maps(const plan::PlannedMetric& planned) {
  LoadedMetric metric{planned, {}, {}, {}, {}};
  const schema::MetricSchema& plan = planned.plan;
  const schema::RegionLayout& layout = plan.store.region;
  // Only who ends series looks into the index and the links.
  const bool keeps_ids = plan.store.kind == schema::StoreKind::Table && !plan.retire_field;
  auto region = keeps_ids ? Region::create(plan.name, layout.total_bytes(),
                                           {layout.index_offset(), layout.places_offset() - layout.index_offset()})
                          : Region::create(plan.name, layout.total_bytes());
  if (!region) {
    return fail(std::move(region.error()));
  }
  metric.region = std::move(*region);
  if (plan.store.kind == schema::StoreKind::PerCpuHash) {
    auto hash = create_hash(plan);
    if (!hash) {
      return fail(std::move(hash.error()));
    }
    metric.hash = std::move(*hash);
  }
  if (planned.pair) {
    // Only programs look into it.
    const std::uint64_t bytes = planned.pair->total_bytes();
    auto pair = Region::create(plan.name, bytes, {0, bytes});
    if (!pair) {
      return fail(std::move(pair.error()));
    }
    metric.pair = std::move(*pair);
  }
  return metric;
}

Result<LoadedMetric> share_maps(const plan::PlannedMetric& planned, const LoadedMetric& metric) {
  LoadedMetric shared{planned, metric.region.share(), {}, metric.pair.share(), {}};
  auto hash = duplicate(metric.hash);
  if (!hash) {
    return fail(std::move(hash.error()));
  }
  shared.hash = std::move(*hash);
  shared.kept = true;
  shared.shown = metric.shown.share();
  return shared;
}

Result<void> create_shown(LoadedMetric& metric) {
  const schema::StorePlan& store = metric.planned.plan.store;
  if (store.kind == schema::StoreKind::PerCpuHash || metric.planned.plan.retire_field) {
    return {};
  }
  auto shown = Region::create(metric.planned.plan.name, (std::uint64_t{store.region.capacity} + 1) * 4);
  if (!shown) {
    return fail(std::move(shown.error()));
  }
  metric.shown = std::move(*shown);
  return {};
}

int map_descriptor(const std::vector<LoadedMetric>& metrics, const std::string& name) {
  for (const LoadedMetric& metric : metrics) {
    const schema::MetricSchema& plan = metric.planned.plan;
    if (name == plan.region_map) {
      return metric.region.descriptor();
    }
    if (name == plan.hash_map) {
      return metric.hash.get();
    }
    if (name == plan.pair_map) {
      return metric.pair.descriptor();
    }
  }
  return -1;
}

Loaded& Loaded::operator=(Loaded&& other) noexcept {
  if (this != &other) {
    detach();
    programs = std::move(other.programs);  // before the maps that they write to
    metrics = std::move(other.metrics);
    objects = std::move(other.objects);
    rejected = std::move(other.rejected);
    exits = std::move(other.exits);
    refused_loads = std::move(other.refused_loads);
    shortage = std::move(other.shortage);
  }
  return *this;
}

void Loaded::detach() noexcept {
  for_each_index(programs.size(), kDetachThreads, [this](std::size_t index) {
    ServingProgram& program = programs[index];
    if (program.replaces) {  // not put into the slot that it was tried out in
      program.slot->forget();
    }
    program.slot.reset();
    program.program.detach();
  });
}

Result<void> replace_programs(Loaded& next, const Loaded& previous) {
  for (auto at = next.programs.begin(); at != next.programs.end(); ++at) {
    auto put = at->replaces ? at->slot->put(at->program.descriptor()) : Result<void>();
    if (put) {
      continue;
    }
    while (at != next.programs.begin()) {
      --at;
      const auto before =
          std::find_if(previous.programs.begin(), previous.programs.end(),
                       [&](const ServingProgram& program) { return at->replaces && program.slot == at->slot; });
      if (before != previous.programs.end()) {
        // The kernel accepted it in this slot before.
        static_cast<void>(before->slot->put(before->program.descriptor()));
      }
    }
    return put;
  }
  for (ServingProgram& program : next.programs) {
    program.replaces = false;
  }
  return {};
}

}  // namespace tpx::loader
