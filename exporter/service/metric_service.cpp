#include "service/metric_service.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include "reader/object_reader.h"
#include "reader/reader.h"

namespace tpx::service {

using schema::LostReason;
using schema::MetricKind;

namespace {

std::string type_text(MetricKind kind) {
  switch (kind) {
    case MetricKind::Counter:
      return "counter";
    case MetricKind::Gauge:
      return "gauge";
    case MetricKind::Histogram:
      return "histogram";
  }
  return "";
}

/// Events in one value: what was counted, or how many were observed.
double events_in(std::span<const std::uint64_t> value, MetricKind kind) {
  const std::size_t words = kind == MetricKind::Histogram ? value.size() - 2 : 1;
  double sum = 0;
  for (std::size_t i = 0; i < words; ++i) {
    sum += static_cast<double>(value[i]);
  }
  return sum;
}

double events_in(const reader::MapSnapshot& snapshot, MetricKind kind) {
  double sum = events_in(snapshot.other, kind);
  for (std::size_t row = 0; row < snapshot.rows(); ++row) {
    sum += events_in(snapshot.value(row), kind);
  }
  return sum;
}

std::uint64_t at(const std::array<std::uint64_t, schema::RegionLayout::kLostReasons>& counts, LostReason reason) {
  return counts[static_cast<std::size_t>(reason)];
}

/// The message without the `metric "NAME": ` that it may begin with: the name stands beside it.
std::string without_name(const std::string& message) {
  constexpr std::string_view kStart = "metric \"";
  constexpr std::string_view kEnd = "\": ";
  const auto end = message.starts_with(kStart) ? message.find(kEnd, kStart.size()) : std::string::npos;
  return end == std::string::npos ? message : message.substr(end + kEnd.size());
}

bool statistics_enabled() {
  std::ifstream file("/proc/sys/kernel/bpf_stats_enabled");
  int value = 0;
  return file >> value && value != 0;
}

}  // namespace

Result<std::unique_ptr<MetricService>> MetricService::make(loader::Loaded loaded, std::vector<plan::Rejected> rejected,
                                                           const decode::Environment& environment,
                                                           const kernel::Features& features, SeriesTimes times) {
  std::unique_ptr<MetricService> service(new MetricService(std::move(loaded), features, times));
  service->rejected_ = std::move(rejected);
  for (plan::Rejected& refused : service->loaded_.rejected) {
    service->rejected_.push_back(std::move(refused));
  }
  service->loaded_.rejected.clear();
  for (const loader::LoadedMetric& metric : service->loaded_.metrics) {
    Served served;
    served.planned = &metric.planned;
    served.metric = &metric;
    served.programs = metric.programs;
    auto reader = std::make_unique<reader::Reader>(metric);
    reader->leave_out_younger_than(metric.planned.plan.min_age.value_or(times.min_age));
    served.reader = std::move(reader);
    if (auto added = service->serve(std::move(served), environment); !added) {
      return fail(std::move(added.error()));
    }
  }
  for (const loader::LoadedObject& object : service->loaded_.objects) {
    for (const loader::LoadedObjectMetric& metric : object.metrics) {
      Served served;
      served.planned = &metric.plan.planned;
      served.object = &object;
      served.map = &metric.plan.rows.map;
      served.reader = std::make_unique<reader::ObjectReader>(metric);
      if (auto added = service->serve(std::move(served), environment); !added) {
        return fail(std::move(added.error()));
      }
    }
  }
  if (auto started = service->start_retirer(); !started) {
    return fail(std::move(started.error()));
  }
  return service;
}

Result<void> MetricService::serve(Served served, const decode::Environment& environment) {
  const schema::MetricSchema& plan = served.planned->plan;
  auto labels = decode::LabelDecoder::make(plan.key, environment);
  if (!labels) {
    return fail(std::move(labels.error()).with_context("metric \"" + plan.name + "\": "));
  }
  served.labels = std::make_unique<decode::LabelDecoder>(std::move(*labels));
  // A program in C may delete elements of its map; of the generated ones the retirer tells.
  served.series = std::make_unique<decode::SeriesTable>(
      plan.key, plan.value, *served.labels,
      served.object != nullptr ? decode::SeriesTable::Vanished::Ended : decode::SeriesTable::Vanished::Forgotten);
  configure(served);
  served_.push_back(std::move(served));
  return {};
}

void MetricService::configure(Served& served) {
  const schema::MetricSchema& plan = served.planned->plan;
  served.series->limit_retired(plan.store.max_series);
  served.series->linger_for(times_.linger);
  if (served.metric != nullptr && served.metric->shown.size() > 0) {
    const std::size_t places = std::size_t{plan.store.region.capacity} + 1;
    served.series->remember_in({reinterpret_cast<std::uint32_t*>(served.metric->shown.data()), places});
  } else if (served.metric != nullptr && served.metric->kept) {
    served.series->all_shown_before();
  }
  if (!plan.retire_field) {
    return;
  }
  served.series->retire_label(*plan.retire_field);
  if (plan.store.kind == schema::StoreKind::PerCpuHash) {
    served.series->hold_back(plan.min_age.value_or(times_.min_age));
  }
  if (served.metric != nullptr) {
    const schema::KeyField& field = plan.key.fields[*plan.retire_field];
    served.series->leave_out([this, &field](std::span<const std::byte> key) {
      return retirer_ != nullptr && retirer_->is_over(reader::id_in(key, field));
    });
  }
}

Result<void> MetricService::begin(MetricService* previous, const loader::Loaded* attached,
                                  const std::function<void()>& publish) {
  using Lock = std::unique_lock<std::mutex>;
  const Lock held = previous != nullptr && previous->retirer_ ? previous->retirer_->hold() : Lock();
  {
    const Lock before = previous != nullptr ? Lock(previous->mutex_) : Lock();
    const std::lock_guard lock(mutex_);
    if (attached != nullptr) {
      if (auto replaced = loader::replace_programs(loaded_, *attached); !replaced) {
        return replaced;
      }
    }
    if (previous != nullptr) {
      take_series(*previous);
      if (retirer_ && held) {
        retirer_->take_over(*previous->retirer_, held);
      }
      previous->handed_over_ = true;
    }
    publish();
  }
  if (retirer_) {
    retirer_->begin();
  }
  return {};
}

void MetricService::take_series(MetricService& previous) {
  for (Served& served : served_) {
    if (served.metric == nullptr || !served.metric->kept) {
      continue;
    }
    const auto found = std::find_if(previous.served_.begin(), previous.served_.end(), [&](const Served& before) {
      return before.metric != nullptr && before.metric->identity == served.metric->identity;
    });
    if (found == previous.served_.end()) {
      continue;
    }
    served.labels = std::move(found->labels);
    served.series = std::move(found->series);
    std::swap(served.snapshot, found->snapshot);
    served.events_shown = found->events_shown;
    served.read_error = found->read_error;
    configure(served);
  }
}

Result<void> MetricService::start_retirer() {
  if (!loaded_.exits) {
    return {};
  }
  std::vector<Retirer::Target> targets;
  for (Served& served : served_) {
    if (served.metric != nullptr && served.planned->plan.retire_field) {
      targets.push_back({reader::Retirement(*served.metric),
                         [this, &served](auto key, auto value) { end_series(served, key, value); }});
    }
  }
  auto retirer = Retirer::start(*loaded_.exits, mutex_, std::move(targets));
  if (!retirer) {
    return fail(std::move(retirer.error()));
  }
  retirer_ = std::move(*retirer);
  return {};
}

void MetricService::end_series(Served& served, std::span<const std::byte> key, std::span<const std::uint64_t> value) {
  const schema::MetricSchema& plan = served.planned->plan;
  served.read_at = {};  // its snapshot has a row that is over
  if (served.series->end_row(key, value, served.snapshot) || !served.labels->decode(key, retired_labels_)) {
    return;
  }
  retired_labels_[*plan.retire_field] = "exited";
  served.series->add_retired(retired_labels_, value);
}

bool MetricService::read(Served& served, Time asked) {
  if (served.read_at > asked) {
    return true;
  }
  served.read_at = std::chrono::steady_clock::now();
  auto read = served.reader->read(served.snapshot);
  served.read_error = read ? "" : read.error().message;
  if (!read) {
    served.read_at = {};
    served.series->forget_snapshot();
  }
  return read.has_value();
}

bool MetricService::scrape(exposition::TextWriter& writer) {
  decode::Showing showing;
  showing.now = std::chrono::steady_clock::now();
  return scrape(writer, showing);
}

bool MetricService::scrape(exposition::TextWriter& writer, const decode::Showing& showing, Time asked) {
  const std::lock_guard lock(mutex_);
  bool all = true;
  for (Served& served : served_) {
    if (!writer.ok()) {
      return false;
    }
    if (!read(served, asked)) {
      all = false;
      continue;
    }
    served.labels->refresh();
    writer.metric(served.planned->plan, served.series->update(served.snapshot, showing));
    // Here, where no row can move to those that have ended: it would be counted twice.
    const MetricKind kind = served.planned->plan.value.kind;
    served.events_shown =
        std::max(served.events_shown, events_in(served.snapshot, kind) + events_in(served.series->ended(), kind));
  }
  return all && writer.ok();
}

/// The young ones too; nothing when they can't be read.
std::optional<reader::MapSnapshot> MetricService::all_rows(const Served& served) {
  reader::MapSnapshot snapshot;
  std::optional<reader::Reader> every;
  if (served.metric != nullptr) {
    every.emplace(*served.metric);
  }
  reader::Source& source = every ? *every : *served.reader;
  if (!source.read(snapshot)) {
    return std::nullopt;
  }
  return snapshot;
}

MetricStatus MetricService::status_of(Served& served, Detail detail) {
  const plan::PlannedMetric& planned = *served.planned;
  const schema::MetricSchema& plan = planned.plan;
  MetricStatus status;
  status.name = plan.name;
  status.help = plan.help;
  status.counts_events = planned.counts_events;
  status.type = type_text(plan.value.kind);
  status.up = served.read_error.empty();
  status.reason = served.read_error;
  status.tracepoints = planned.tracepoints;
  status.attach = std::string(plan::name(planned.attach));
  status.attach_reason = planned.attach_reason;
  status.store = schema::store_name(plan.store.kind);
  status.store_reason = plan.store.reason;
  status.series_limit = plan.store.max_series;
  status.map_bytes = planned.map_bytes();
  status.events_total = served.events_shown;
  status.series = served.snapshot.rows() + served.snapshot.young + served.series->retired_series();
  if (detail == Detail::Totals) {
    const auto rows = all_rows(served);
    status.events_total =
        events_in(served.series->ended(), plan.value.kind) + (rows ? events_in(*rows, plan.value.kind) : 0);
    status.series = (rows ? rows->rows() : 0) + served.series->retired_series();
  }
  status.unshown = static_cast<std::uint64_t>(events_in(served.series->unshown(), plan.value.kind));
  const auto counts = served.reader->lost();
  status.other = at(counts, LostReason::OtherFull) + at(counts, LostReason::OtherBusy);
  status.read_faults = at(counts, LostReason::ReadFault);
  status.lost["negative_value"] = at(counts, LostReason::NegativeValue);
  if (planned.pair) {
    status.lost["pair_collision"] = at(counts, LostReason::PairCollision);
    status.unmatched["end_without_start"] = at(counts, LostReason::PairNoStart);
    status.unmatched["start_without_end"] = at(counts, LostReason::PairRestart);
  }
  add_programs_of(served, status);
  return status;
}

void MetricService::add_programs_of(const Served& served, MetricStatus& status) const {
  if (served.object != nullptr) {
    const plan::ObjectMap& map = *served.map;
    status.attach = "object";
    status.store = map.kind;
    status.map_bytes = map.bytes(served.planned->plan.store.region.cpus);
    status.lost = {{"program", served.reader->lost_events()}};
    for (const loader::ObjectProgram& program : served.object->programs) {
      if (program.refused) {
        status.hint = program.refused->message;
      } else {
        status.programs.push_back(served.object->name + ":" + program.name);
      }
    }
    return;
  }
  std::uint64_t misses = 0;
  bool known = false;
  for (std::size_t i = 0; i < served.programs.size(); ++i) {
    const loader::ServingProgram& program = loaded_.programs[served.programs[i]];
    status.programs.push_back(program.point.text());
    // Before 6.7 a classic program's misses read 0 whatever happened: not to be shown as "none".
    if (!features_.recursion_misses && program.point.type == plan::AttachType::Classic) {
      status.lost["unknown"] = 0;
    } else {
      const auto statistics = program.statistics();
      misses += statistics ? statistics->recursion_misses - served.metric->misses_before[i] : 0;
      known = known || statistics.has_value();
    }
  }
  if (known) {
    status.lost["recursion"] = misses;
  }
}

MetricStatus MetricService::status_of(const plan::Rejected& rejected) {
  MetricStatus metric;
  metric.name = rejected.name;
  metric.reason = without_name(rejected.error.message);
  metric.hint = rejected.error.hint;
  return metric;
}

std::optional<ExporterStatus> MetricService::status(Detail detail) {
  const std::lock_guard lock(mutex_);
  if (handed_over_) {
    return std::nullopt;
  }
  ExporterStatus status;
  status.statistics = statistics_enabled();
  for (Served& served : served_) {
    status.metrics.push_back(status_of(served, detail));
  }
  for (const plan::Rejected& rejected : rejected_) {
    const bool known = std::any_of(status.metrics.begin(), status.metrics.end(),
                                   [&](const MetricStatus& metric) { return metric.name == rejected.name; });
    if (known) {
      continue;
    }
    status.metrics.push_back(status_of(rejected));
  }
  add_programs(status);
  return status;
}

void MetricService::add_programs(ExporterStatus& status) const {
  for (const loader::ServingProgram& program : loaded_.programs) {
    const auto statistics = program.statistics();
    const std::string name = program.point.text();
    auto entry = std::find_if(status.programs.begin(), status.programs.end(),
                              [&](const ProgramStatus& known) { return known.name == name; });
    if (entry == status.programs.end()) {  // an attach point may have several
      entry = status.programs.insert(entry, {name, 0, 0});
    }
    if (statistics) {
      entry->runs += statistics->runs;
      entry->run_seconds += static_cast<double>(statistics->nanoseconds) * 1e-9;
    }
  }
  for (const loader::LoadedObject& object : loaded_.objects) {
    for (const loader::ObjectProgram& program : object.programs) {
      if (program.refused) {
        continue;
      }
      const auto statistics = loader::statistics_of(program);
      status.programs.push_back({object.name + ":" + program.name, statistics ? statistics->runs : 0,
                                 statistics ? static_cast<double>(statistics->nanoseconds) * 1e-9 : 0});
    }
  }
}

}  // namespace tpx::service
