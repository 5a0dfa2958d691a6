#include "plan/layout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "plan/lanes.h"

namespace tpx::plan {

namespace {

static_assert(config::kMostSeries <= schema::RegionLayout::kMostIds);

std::uint32_t alignment(const schema::ValueType& type) {
  return type.size >= 8 ? 8 : std::bit_floor(std::max(type.size, 1U));
}

/// The bound in the kernel's unit, a whole number.
double kernel_bound(double bound, double scale) {
  if (bound == std::floor(bound) && scale == std::floor(scale)) {  // whole numbers are what they say
    const double rest = std::fmod(bound, scale);
    return (bound - rest) / scale - (rest < 0 ? 1 : 0);
  }
  const double exact = bound / scale;
  // 1e-6 / 1e-9 is 1000.0000000000001: a bound as near to an integer as rounding may bring it means that integer.
  constexpr double kRounding = 16 * std::numeric_limits<double>::epsilon();
  const double nearest = std::round(exact);
  return std::abs(exact - nearest) <= kRounding * std::abs(exact) ? nearest : std::floor(exact);
}

/// The nearest number of the type; what does not fit is its least or greatest.
template <class T>
T clamped(double value) {
  constexpr double kBeyond = std::numeric_limits<T>::is_signed ? 0x1p63 : 0x1p64;
  if (value >= kBeyond) {
    return std::numeric_limits<T>::max();
  }
  return value <= static_cast<double>(std::numeric_limits<T>::min()) ? std::numeric_limits<T>::min()
                                                                     : static_cast<T>(value);
}

}  // namespace

Result<schema::ValueType> common_type(const std::vector<schema::ValueType>& types) {
  schema::ValueType result = types.front();
  for (const schema::ValueType& type : types) {
    if (type.kind != result.kind) {
      return fail("has different kinds of values in the tracepoints of this metric",
                  "make a metric of its own for each kind");
    }
    if (type.is_signed != result.is_signed) {
      // Signed and unsigned together: one wide enough that the unsigned one's values stay positive.
      const std::uint32_t unsigned_size = type.is_signed ? result.size : type.size;
      const std::uint32_t size = std::max(type.size, result.size);
      result.size = unsigned_size < size ? size : std::min(2 * size, 8U);
      result.is_signed = true;
    } else {
      result.size = std::max(type.size, result.size);
    }
  }
  return result;
}

Result<schema::KeyLayout> lay_out(std::vector<schema::KeyField> fields) {
  schema::KeyLayout layout;
  std::uint32_t offset = 0;
  for (schema::KeyField& field : fields) {
    const std::uint32_t align = alignment(field.type);
    offset = (offset + align - 1) / align * align;
    field.offset = offset;
    offset += field.type.size;
  }
  layout.size = (offset + 7) / 8 * 8;
  if (layout.size > kLargestKey) {
    std::string longest;
    std::uint32_t size = 0;
    for (const schema::KeyField& field : fields) {
      if (field.type.size > size) {
        size = field.type.size;
        longest = field.label;
      }
    }
    return fail(
        "the labels take " + std::to_string(layout.size) + " bytes of key, at most " + std::to_string(kLargestKey) +
            " are there",
        "leave a label out, or shorten \"" + longest + "\" (" + std::to_string(size) + " bytes) with str(…, 31)");
  }
  layout.fields = std::move(fields);
  return layout;
}

void set_bounds(schema::ValueLayout& value, std::vector<double> exposed, double scale) {
  value.bounds.clear();
  value.unreachable = 0;
  for (const double bound : exposed) {
    const double kernel = kernel_bound(bound, scale);
    value.bounds.push_back(value.is_signed ? clamped<std::int64_t>(kernel)
                                           : static_cast<std::int64_t>(clamped<std::uint64_t>(kernel)));
    value.unreachable += kernel < (value.is_signed ? -0x1p63 : 0) ? 1U : 0U;
  }
  value.exposed_bounds = std::move(exposed);
}

schema::StorePlan choose_store(const schema::KeyLayout& key, const schema::ValueLayout& value, std::uint32_t max_series,
                               const kernel::Kernel& kernel, const Options& options, bool rare) {
  schema::StorePlan store;
  store.region.cpus = kernel.possible_cpus;
  // A gauge is the last value set, on whichever CPU: one row that all share.
  const bool gauge = value.kind == schema::MetricKind::Gauge;
  store.region.lanes = gauge ? 1 : kernel.possible_cpus;
  store.region.value_words = value.words();
  if (key.size == 0) {
    store.kind = schema::StoreKind::Array;
    store.reason = "no labels";
    store.region.capacity = 1;
    if (!gauge) {
      choose_lanes(store.region, rare, kernel, options);
    }
    return store;
  }
  store.max_series = max_series;
  schema::RegionLayout table = store.region;
  table.capacity = max_series;
  table.slots = std::bit_ceil(3 * max_series);
  table.key_size = key.size;
  if (!gauge) {
    choose_lanes(table, rare, kernel, options);
  }
  const bool fits = table.total_bytes() <= options.largest_table;
  const bool possible = kernel.features.fetch_atomics && kernel.features.mmapable_array;
  if (options.force_store ? *options.force_store == schema::StoreKind::Table : possible && fits) {
    store.kind = schema::StoreKind::Table;
    store.reason = options.force_store ? "forced" : "labels; counted without a helper call, read without a system call";
    store.region = table;
    return store;
  }
  store.kind = schema::StoreKind::PerCpuHash;
  store.reason = options.force_store ? "forced"
                 : !possible         ? "this kernel has no compare-and-swap for BPF (Linux 5.12)"
                             : "a table would take more than " + std::to_string(options.largest_table >> 20U) + " MiB";
  store.region.capacity = 1;
  return store;
}

}  // namespace tpx::plan
