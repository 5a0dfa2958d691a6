#include "support/interpreted_plan.h"

#include <cstring>

#include "codegen/generate.h"
#include "reader/row_math.h"

namespace tpx::test {

namespace {

bool fires(const plan::AttachPoint& point, const Event& event) {
  if (point.type == plan::AttachType::Classic) {
    return point.category == event.format->category && point.event == event.format->name;
  }
  if (event.arguments.empty()) {
    return false;
  }
  const bool syscall = event.format->category == "syscalls";
  return point.event == (syscall ? event.format->name.substr(0, event.format->name.find('_', 4)) : event.format->name);
}

Bytes context_of(const plan::AttachPoint& point, const Event& event) {
  if (point.type == plan::AttachType::Classic) {
    return event.record;
  }
  Bytes context(event.arguments.size() * 8);
  std::memcpy(context.data(), event.arguments.data(), context.size());
  return context;
}

}  // namespace

InterpretedPlan::InterpretedPlan(plan::Plan plan, const kernel::Kernel& kernel)
    : plan_(std::move(plan)), kernel_(kernel.possible_cpus) {
  for (const plan::PlannedMetric& metric : plan_.metrics) {
    add_maps(metric);
  }
}

Result<std::unique_ptr<InterpretedPlan>> InterpretedPlan::compile(plan::Plan plan, const kernel::Kernel& kernel) {
  std::unique_ptr<InterpretedPlan> made(new InterpretedPlan(std::move(plan), kernel));
  for (const plan::ProgramPlan& program : made->plan_.programs) {
    auto code = codegen::generate(program, made->plan_.metrics, kernel.features);
    if (!code) {
      return fail(std::move(code.error()));
    }
    made->programs_.push_back(std::move(*code));
  }
  return made;
}

void InterpretedPlan::add_maps(const plan::PlannedMetric& metric) {
  const schema::MetricSchema& plan = metric.plan;
  const schema::RegionLayout& region = plan.store.region;
  kernel_.add_map(plan.region_map, BPF_MAP_TYPE_ARRAY, 4, static_cast<std::uint32_t>(region.total_bytes()), 1);
  if (plan.store.kind == schema::StoreKind::PerCpuHash) {
    const auto type = plan.store.hash_copies() > 1 ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
    kernel_.add_map(plan.hash_map, type, plan.key.size, plan.value.bytes(), plan.store.max_series);
  }
  if (metric.pair) {
    kernel_.add_map(plan.pair_map, BPF_MAP_TYPE_ARRAY, 4, static_cast<std::uint32_t>(metric.pair->total_bytes()), 1);
  }
}

Result<void> InterpretedPlan::happen(Event& event) {
  event.happen(kernel_);
  for (std::size_t i = 0; i < programs_.size(); ++i) {
    const plan::AttachPoint& point = plan_.programs[i].point;
    if (!fires(point, event)) {
      continue;
    }
    InterpreterOptions options;
    options.bad_loads_read_zero = point.type == plan::AttachType::TpBtf;
    auto result = interpret(programs_[i], kernel_, context_of(point, event), options);
    if (!result) {
      return fail(std::move(result.error()).with_context(point.text() + ": "));
    }
    if (const std::uint64_t due = point.type == plan::AttachType::Classic ? 1 : 0; *result != due) {
      return fail(point.text() + ": the program returns " + std::to_string(*result) + " in place of " +
                  std::to_string(due));
    }
  }
  return {};
}

std::uint64_t InterpretedPlan::word(std::size_t metric, std::uint64_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, kernel_.value(plan_.metrics[metric].plan.region_map).data() + offset, sizeof value);
  return value;
}

std::vector<std::uint64_t> InterpretedPlan::row(std::size_t metric, std::uint64_t number) {
  const schema::MetricSchema& plan = plan_.metrics[metric].plan;
  const schema::RegionLayout& region = plan.store.region;
  std::vector<std::uint64_t> sum(region.value_words, 0);
  std::vector<std::uint64_t> words(region.value_words);
  for (std::uint32_t lane = 0; lane < region.lanes; ++lane) {
    const std::uint64_t at = region.values_offset() + lane * region.lane_stride() + number * region.value_stride();
    for (std::uint32_t i = 0; i < region.value_words; ++i) {
      words[i] = word(metric, at + 8 * std::uint64_t{i});
    }
    reader::add_words(sum.data(), words.data(), region.value_words, plan.value.kind);
  }
  return sum;
}

std::map<Bytes, std::vector<std::uint64_t>> InterpretedPlan::rows(std::size_t metric) {
  const schema::MetricSchema& plan = plan_.metrics[metric].plan;
  const schema::RegionLayout& region = plan.store.region;
  std::map<Bytes, std::vector<std::uint64_t>> rows;
  if (plan.store.kind == schema::StoreKind::Array) {
    rows[{}] = row(metric, 0);
  } else if (plan.store.kind == schema::StoreKind::Table) {
    for (std::uint64_t id = 0; id < region.capacity; ++id) {
      const std::uint8_t* bytes = kernel_.value(plan.region_map).data();
      std::uint32_t place = 0;
      std::memcpy(&place, bytes + region.places_offset() + 4 * id, sizeof place);
      if (place != 0) {
        const std::uint8_t* key = bytes + region.keys_offset() + id * region.key_size;
        rows[Bytes(key, key + region.key_size)] = row(metric, id);
      }
    }
  } else {
    for (const auto& [key, values] : kernel_.map(plan.hash_map).entries) {
      std::vector<std::uint64_t>& sum = rows[key];
      sum.resize(region.value_words);
      for (const Bytes& bytes : values) {
        std::vector<std::uint64_t> words(region.value_words);
        std::memcpy(words.data(), bytes.data(), words.size() * 8);
        reader::add_words(sum.data(), words.data(), region.value_words, plan.value.kind);
      }
    }
  }
  return rows;
}

std::vector<std::uint64_t> InterpretedPlan::other(std::size_t metric) {
  return row(metric, plan_.metrics[metric].plan.store.region.other_row());
}

std::uint64_t InterpretedPlan::lost(std::size_t metric, schema::LostReason reason) {
  const schema::RegionLayout& region = plan_.metrics[metric].plan.store.region;
  std::uint64_t sum = 0;
  for (std::uint32_t line = 0; line < region.lost_lines(); ++line) {
    sum += word(metric, region.lost_offset() + std::uint64_t{line} * region.lost_stride() +
                            8 * static_cast<std::uint64_t>(reason));
  }
  return sum;
}

}  // namespace tpx::test
