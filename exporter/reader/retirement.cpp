#include "reader/retirement.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "reader/row_math.h"

namespace tpx::reader {

Retirement::Retirement(const loader::LoadedMetric& metric) : metric_(metric), keys_(metric) {
  if (metric.planned.plan.store.kind == plan::StoreKind::Table) {
    table_.emplace(metric.planned.plan, metric.region.data());
  }
}

bool Retirement::mark(const loader::Ids& ids, loader::Ids& again) {
  if (table_) {
    table_->mark(ids, again);
    return table_->marked() != 0;
  }
  ended_.insert(ids.begin(), ids.end());
  return !ended_.empty();
}

Result<void> Retirement::collect(const TakeSeries& take) {
  if (!table_) {
    return collect_hash(take);
  }
  table_->collect(take);
  return {};
}

Result<void> Retirement::collect_hash(const TakeSeries& take) {
  if (auto read = keys_.read(snapshot_); !read) {
    return read;
  }
  const plan::KeyField& field = metric_.planned.plan.key.fields[*metric_.planned.plan.retire_field];
  for (std::size_t row = 0; row < snapshot_.rows(); ++row) {
    const std::span<const std::byte> key = snapshot_.key(row);
    if (!ended_.contains(id_in(key, field))) {
      continue;
    }
    auto taken = take_element(key);
    if (!taken) {
      return fail(std::move(taken.error()));
    }
    if (*taken) {
      take(key, sum_);
    }
  }
  ended_.clear();
  return {};
}

/// Deletes the element and leaves its final value in sum_. False when there is none.
Result<bool> Retirement::take_element(std::span<const std::byte> key) {
  const plan::MetricPlan& plan = metric_.planned.plan;
  const std::uint32_t count = plan.value.words();
  const int map = metric_.hash.get();
  words_.resize(std::size_t{count} * plan.store.region.value_cpus);
  int code = bpf_map_lookup_and_delete_elem(map, key.data(), words_.data());
  if (code != 0 && errno != ENOENT) {
    // Hashes learnt it with Linux 5.14.
    code = bpf_map_lookup_elem(map, key.data(), words_.data());
    code = code == 0 ? bpf_map_delete_elem(map, key.data()) : code;
  }
  if (code != 0) {
    if (errno == ENOENT) {
      return false;
    }
    return fail(os_failure("can't take an element out of the map of " + plan.name, errno));
  }
  sum_.assign(count, 0);
  for (std::size_t cpu = 0; cpu < plan.store.region.value_cpus; ++cpu) {
    add_words(sum_.data(), words_.data() + cpu * count, count, plan.value.kind);
  }
  return true;
}

}  // namespace tpx::reader
