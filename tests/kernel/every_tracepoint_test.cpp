#include <sys/utsname.h>

#include <set>

#include "catch.h"
#include "codegen/generate.h"
#include "decode/decoder.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

/// Bytes that a field takes of a key; nothing when it can't be a label.
std::optional<std::uint32_t> key_bytes(const kernel::Format& format, const kernel::Field& field) {
  switch (field.kind) {
    case kernel::Field::Kind::Integer:
    case kernel::Field::Kind::CharArray:
    case kernel::Field::Kind::Array:
      return field.size <= 256 ? std::optional((field.size + 7) / 8 * 8) : std::nullopt;
    case kernel::Field::Kind::DataLoc:
    case kernel::Field::Kind::RelLoc:
      return format.category == "syscalls" ? std::nullopt : std::optional(72U);
    case kernel::Field::Kind::Other:
      return std::nullopt;
  }
  return std::nullopt;
}

/// A counter of the tracepoint with as many of its fields as labels as fit.
config::Metric counter_of(const kernel::Format& format, std::size_t number) {
  config::Metric metric;
  metric.name.value = "m" + std::to_string(number) + "_total";
  metric.source = config::Events{config::Events::Kind::Tracepoint, {{format.full_name(), {}}}};
  metric.max_series = 2;
  std::uint32_t used = 0;
  std::set<std::string> names;
  for (const kernel::Field& field : format.fields) {
    const auto bytes = key_bytes(format, field);
    if (bytes && used + *bytes <= 256 && names.insert(field.name).second) {
      used += *bytes;
      auto expression = config::parse_expression("args." + field.name, {});
      REQUIRE(expression.has_value());
      metric.labels.push_back({{"l_" + std::to_string(names.size()), {}}, std::move(*expression)});
    }
  }
  return metric;
}

struct Tally {
  std::size_t tracepoints = 0;
  std::size_t labels = 0;
  std::size_t programs = 0;
  std::string refused;
};

/// Loads each unit as a program of its own, so that a refusal names its tracepoint. Nothing is attached; one map that is
/// large enough for any of them stands for all.
void load_each(const plan::Plan& plan, Tally& tally) {
  const auto region = loader::Region::create("every", 1U << 20U);
  REQUIRE(region.has_value());
  for (const plan::ProgramPlan& program : plan.programs) {
    for (const plan::Unit& unit : program.units) {
      const plan::PlannedMetric& metric = plan.metrics[unit.metric];
      REQUIRE(metric.plan.store.region.total_bytes() <= region->size());
      const plan::ProgramPlan alone{program.point, program.name, {unit}};
      const auto code = codegen::generate(alone, plan.metrics, this_kernel().features);
      if (!code) {
        tally.refused += metric.tracepoints.front() + ": " + code.error().message + "\n";
        continue;
      }
      const auto loaded = loader::LoadedProgram::load(alone.point, alone.name, *code,
                                                      [&](const std::string&) { return region->descriptor(); });
      if (!loaded) {
        tally.refused += metric.tracepoints.front() + ": " + loaded.error().message + "\n";
      }
      ++tally.programs;
    }
  }
}

TEST_CASE("the verifier takes a counter of every tracepoint with all the fields that fit", "[kernel]") {
  const auto events = this_kernel().tracefs.events();
  REQUIRE(events.has_value());
  config::Config config;
  config.files.emplace_back();
  Tally tally;
  for (const std::string& name : *events) {
    const auto slash = name.find('/');
    const auto format = this_kernel().tracefs.format(name.substr(0, slash), name.substr(slash + 1));
    INFO(name << (format ? "" : format.error().message));
    REQUIRE(format.has_value());
    config.files.front().metrics.push_back(counter_of(*format, tally.tracepoints++));
    tally.labels += config.files.front().metrics.back().labels.size();
  }
  plan::Options options;
  options.decoders = decode::signatures();
  const plan::Plan plan = plan::make_plan(config, this_kernel(), options);
  for (const plan::Rejected& rejected : plan.rejected) {
    tally.refused += rejected.error.message + "; " + rejected.error.hint + "\n";
  }
  load_each(plan, tally);
  utsname name{};
  uname(&name);
  WARN(tally.tracepoints << " tracepoints of Linux " << name.release << ", " << tally.labels << " fields as labels, "
                         << tally.programs << " programs");
  INFO(tally.refused);
  CHECK(tally.refused.empty());
}

}  // namespace
}  // namespace tpx::test
