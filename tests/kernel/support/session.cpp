#include "kernel/support/session.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "catch.h"
#include "config/config.h"
#include "decode/decoder.h"
#include "service/deploy.h"

namespace tpx::test {

namespace {

std::uint32_t program_id(int descriptor) {
  bpf_prog_info info{};
  __u32 length = sizeof info;
  REQUIRE(bpf_obj_get_info_by_fd(descriptor, &info, &length) == 0);
  return info.id;
}

bool exists(std::uint32_t id) {
  const int descriptor = bpf_prog_get_fd_by_id(id);
  if (descriptor >= 0) {
    close(descriptor);
  }
  return descriptor >= 0;
}

/// Programs go after a grace period.
bool all_gone(const std::vector<std::uint32_t>& ids) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (const std::uint32_t id : ids) {
    while (exists(id)) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::yield();
    }
  }
  return true;
}

std::string text_of(const schema::KeyField& field, const std::byte* bytes) {
  if (field.type.kind == schema::ValueType::Kind::String) {
    const auto* text = reinterpret_cast<const char*>(bytes);
    return {text, strnlen(text, field.type.size)};
  }
  if (field.type.kind == schema::ValueType::Kind::Integer) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, field.type.size);
    if (!field.probe_names.empty()) {
      return field.probe_names.at(word);
    }
    const unsigned shift = 64 - 8 * field.type.size;
    const auto value = static_cast<std::int64_t>(word << shift) >> shift;
    return field.type.is_signed ? std::to_string(value) : std::to_string(word);
  }
  std::string text;
  for (std::uint32_t i = 0; i < field.type.size; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(bytes[i]) / 16];
    text += kDigits[std::to_integer<unsigned>(bytes[i]) % 16];
  }
  return text;
}

}  // namespace

const kernel::Kernel& this_kernel() {
  static const Result<kernel::Kernel> kernel = kernel::running_kernel({});
  INFO((kernel ? "" : kernel.error().message));
  REQUIRE(kernel.has_value());
  return *kernel;
}

Session::Session(const std::string& yaml, Force force) {
  const config::Loaded loaded = config::parse("test.yaml", "namespace: \"\"\n" + yaml);
  INFO(yaml);
  INFO(config::render(loaded.errors, loaded.config));
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  options.force_attach = force.attach;
  options.force_store = force.store;
  options.own_lanes = force.own_lanes;
  options.folded_lanes = force.folded_lanes;
  kernel::Kernel kernel = this_kernel();
  kernel.features.tp_btf_exact = kernel.features.tp_btf_exact && !force.preempted;
  plan::Plan plan = plan::make_plan(loaded.config, kernel, options);
  for (const plan::Rejected& rejected : plan.rejected) {
    UNSCOPED_INFO(rejected.error.message << " " << rejected.error.hint);
  }
  REQUIRE(plan.rejected.empty());
  loaded_ = service::deploy(std::move(plan), this_kernel().features);
  for (const plan::Rejected& rejected : loaded_.rejected) {
    UNSCOPED_INFO(rejected.error.message << " " << rejected.error.hint);
  }
  REQUIRE(loaded_.rejected.empty());
  for (const loader::ServingProgram& program : loaded_.programs) {
    program_ids_.push_back(program_id(program.program.descriptor()));
  }
}

Session::~Session() {
  loaded_ = {};
  CHECK(all_gone(program_ids_));
}

const loader::LoadedMetric& Session::find(const std::string& metric) {
  for (const loader::LoadedMetric& loaded : loaded_.metrics) {
    if (loaded.planned.plan.name == metric) {
      return loaded;
    }
  }
  FAIL("no metric " + metric);
  throw std::logic_error("unreachable");
}

const plan::PlannedMetric& Session::planned(const std::string& metric) {
  return find(metric).planned;
}

reader::MapSnapshot Session::snapshot(const std::string& metric) {
  reader::MapSnapshot snapshot;
  const auto read = reader::Reader(find(metric)).read(snapshot);
  INFO((read ? "" : read.error().message));
  REQUIRE(read.has_value());
  return snapshot;
}

std::vector<Row> Session::rows(const std::string& metric) {
  const reader::MapSnapshot rows = snapshot(metric);
  std::map<std::map<std::string, std::string>, std::vector<std::uint64_t>> merged;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::map<std::string, std::string> labels;
    for (const schema::KeyField& field : planned(metric).plan.key.fields) {
      labels[field.label] = text_of(field, rows.key(i).data() + field.offset);
    }
    auto& words = merged[labels];
    words.resize(rows.value_words);
    for (std::size_t word = 0; word < rows.value_words; ++word) {
      words[word] += rows.value(i)[word];
    }
  }
  std::vector<Row> result;
  for (auto& [labels, words] : merged) {
    result.push_back({labels, words});
  }
  return result;
}

std::vector<std::uint64_t> Session::words(const std::string& metric, const std::map<std::string, std::string>& labels) {
  for (const Row& row : rows(metric)) {
    if (row.labels == labels) {
      return row.words;
    }
  }
  return std::vector<std::uint64_t>(planned(metric).plan.value.words(), 0);
}

std::uint64_t Session::value(const std::string& metric, const std::map<std::string, std::string>& labels) {
  return words(metric, labels).front();
}

std::map<std::string, std::uint64_t> Session::table(const std::string& metric) {
  std::map<std::string, std::uint64_t> result;
  for (const Row& row : rows(metric)) {
    std::string key;
    for (const schema::KeyField& field : planned(metric).plan.key.fields) {
      key += (key.empty() ? "" : "|") + row.labels.at(field.label);
    }
    result[key] += row.words.front();
  }
  return result;
}

std::uint64_t Session::sum(const std::string& metric) {
  const reader::MapSnapshot rows = snapshot(metric);
  std::uint64_t sum = rows.other.empty() ? 0 : rows.other.front();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    sum += rows.value(i).front();
  }
  return sum;
}

std::uint64_t Session::other(const std::string& metric) {
  const reader::MapSnapshot rows = snapshot(metric);
  return rows.other.empty() ? 0 : rows.other.front();
}

std::uint64_t Session::lost(const std::string& metric, schema::LostReason reason) {
  return reader::Reader(find(metric)).lost().at(static_cast<std::size_t>(reason));
}

std::uint64_t Session::recursion_misses() const {
  std::uint64_t misses = 0;
  for (const loader::ServingProgram& program : loaded_.programs) {
    const auto statistics = program.program.statistics();
    REQUIRE(statistics.has_value());
    misses += statistics->recursion_misses;
  }
  return misses;
}

std::vector<Force> all_ways() {
  std::vector<Force> ways;
  for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    for (const auto store : {schema::StoreKind::Table, schema::StoreKind::PerCpuHash}) {
      ways.push_back({attach, store});
    }
  }
  return ways;
}

std::string describe(const Force& force) {
  std::string text = force.attach ? std::string(plan::name(*force.attach)) : "any attach type";
  if (force.store) {
    text += *force.store == schema::StoreKind::Table ? ", table" : ", per-CPU hash";
  }
  text += force.own_lanes ? ", " + std::to_string(*force.own_lanes) + " own rows" : "";
  text += force.folded_lanes ? ", " + std::to_string(*force.folded_lanes) + " shared rows" : "";
  return text;
}

}  // namespace tpx::test
