#include "reader/retirement.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "reader/row_math.h"

namespace tpx::reader {
namespace {

constexpr int kRest = 50;

}  // namespace

Retirement::Retirement(const loader::LoadedMetric& metric) : metric_(metric), keys_(metric) {
  if (metric.planned.plan.store.kind == schema::StoreKind::Table) {
    table_.emplace(metric.planned.plan, metric.region.data());
  }
}

void Retirement::take_over(Retirement& other) {
  ended_ = std::move(other.ended_);
  look_after_ = other.look_after_;
  due_ = std::move(other.due_);
  if (table_ && other.table_) {
    table_->take_over(*other.table_);
  }
}

bool Retirement::mark(const loader::Ids& ids, loader::Ids& again) {
  if (table_) {
    table_->mark(ids, again);
    return table_->marked() != 0;
  }
  ended_.insert(ids.begin(), ids.end());
  if (!ended_.empty() && std::chrono::steady_clock::now() >= look_after_) {
    find_ended_keys();
  }
  return !due_.empty();
}

void Retirement::find_ended_keys() {
  const auto start = std::chrono::steady_clock::now();
  // A hash that can't be read shows as a metric that is down; its series wait.
  if (keys_.read(snapshot_)) {
    const schema::KeyField& field = metric_.planned.plan.key.fields[*metric_.planned.plan.retire_field];
    for (std::size_t row = 0; row < snapshot_.rows(); ++row) {
      const std::span<const std::byte> key = snapshot_.key(row);
      if (ended_.contains(id_in(key, field))) {
        due_.insert(due_.end(), key.begin(), key.end());
      }
    }
    ended_.clear();
  }
  const auto end = std::chrono::steady_clock::now();
  look_after_ = end + kRest * (end - start);
}

Result<bool> Retirement::collect(const TakeSeries& take, std::size_t most) {
  if (!table_) {
    return collect_hash(take, most);
  }
  table_->collect(take, most);
  return table_->marked() != 0;
}

Result<bool> Retirement::collect_hash(const TakeSeries& take, std::size_t most) {
  const std::size_t size = metric_.planned.plan.key.size;
  for (; most > 0 && !due_.empty(); --most) {
    const std::vector<std::byte> key(due_.end() - static_cast<std::ptrdiff_t>(size), due_.end());
    auto taken = take_element(key);
    if (!taken) {
      return fail(std::move(taken.error()));
    }
    due_.resize(due_.size() - size);
    if (*taken) {
      take(key, sum_);
    }
  }
  return !due_.empty();
}

/// Deletes the element and leaves its final value in sum_. False when there is none.
Result<bool> Retirement::take_element(std::span<const std::byte> key) {
  const schema::MetricSchema& plan = metric_.planned.plan;
  const std::uint32_t count = plan.value.words();
  const int map = metric_.hash.get();
  words_.resize(std::size_t{count} * plan.store.hash_copies());
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
  for (std::size_t cpu = 0; cpu < plan.store.hash_copies(); ++cpu) {
    add_words(sum_.data(), words_.data() + cpu * count, count, plan.value.kind);
  }
  return true;
}

}  // namespace tpx::reader
