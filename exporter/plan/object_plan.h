#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/btf.h"
#include "plan/planner.h"
#include "typed/evaluate.h"

namespace tpx::plan {

/// A map of a BPF object, as the object defines it.
struct ObjectMap {
  std::string name;
  std::string kind;       ///< `hash`, `per-CPU array` …: for people
  bool readable = false;  ///< a hash or an array, in one of their variants
  bool array = false;
  bool per_cpu = false;
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;
  std::uint32_t key_type = 0;  ///< BTF ids; 0 where the map has none
  std::uint32_t value_type = 0;
  std::uint32_t max_entries = 0;
  /// Bytes of its keys and values with so many possible CPUs.
  [[nodiscard]] std::uint64_t bytes(unsigned cpus) const {
    const std::uint64_t copies = per_cpu ? cpus : 1;
    return (key_size + value_size * copies) * max_entries;
  }
};

/// How the rows of an object's map become rows of a metric. Everything is evaluated over one row on one CPU; the CPUs are
/// then summed, unless a label asks for `cpu`.
struct ObjectRows {
  ObjectMap map;
  bool by_cpu = false;               ///< a row for each CPU
  std::vector<TypedExprPtr> labels;  ///< as many as the key has fields
  TypedExprPtr filter;               ///< null: all rows
  TypedExprPtr value;                ///< of a counter or gauge, or what a bucket of its own (`bucket`) counts
  /// Histogram kept in one value: an array of integers, bucket by bucket, the last one +Inf.
  struct Buckets {
    std::uint32_t offset = 0;
    std::uint32_t size = 8;  ///< bytes of one
    std::uint32_t count = 0;
  };
  std::optional<Buckets> buckets;
  TypedExprPtr sum;  ///< of `buckets`
  /// Histogram whose key says the bucket: its number; the one after +Inf holds the sum.
  TypedExprPtr bucket;
};

struct ObjectMetricPlan {
  PlannedMetric planned;
  ObjectRows rows;
};

/// Plans one metric of an object from its map's BTF. Labels, where the configuration names none, are the members of the key:
/// integers, enums by name, char arrays as strings, struct in_addr and in6_addr and arrays of 4 or 16 bytes as addresses;
/// members of a struct inside get its name before theirs (`peer_port`); members whose name starts with `_` or `pad` are none.
/// The key of an array with one element is no label, any other key that is not a struct is label `key`.
///
/// A histogram is an array of integers in the value with a member `sum` beside it, or the layout in which the last member of
/// the key is the bucket: 0 … N-1 for the N bounds, N for +Inf, N+1 for the sum.
///
/// Pure. `cpus`: possible CPUs. Errors carry the place in the configuration.
[[nodiscard]] Result<ObjectMetricPlan> plan_object_metric(const config::ObjectMetric& metric,
                                                          const std::string& full_name,
                                                          const std::vector<ObjectMap>& maps, const kernel::Btf& btf,
                                                          unsigned cpus, const Options& options);
/// The same with all errors: none was planned when `errors` has grown.
[[nodiscard]] std::optional<ObjectMetricPlan> plan_object_metric(const config::ObjectMetric& metric,
                                                                 const std::string& full_name,
                                                                 const std::vector<ObjectMap>& maps,
                                                                 const kernel::Btf& btf, unsigned cpus,
                                                                 const Options& options, Errors& errors);

}  // namespace tpx::plan
