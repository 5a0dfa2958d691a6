#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/label_decoder.h"
#include "decode/series_table.h"
#include "exposition/text_writer.h"
#include "loader/loader.h"
#include "reader/source.h"
#include "service/metric_detail.h"
#include "service/retirer.h"
#include "service/status.h"

namespace tpx::service {

/// When series are exposed, and how long they stay.
struct SeriesTimes {
  /// The age from which a series is exposed, for metrics with retire_on_exit and without min_age.
  std::chrono::nanoseconds min_age = std::chrono::seconds(5);
  /// The minimum time that a series keeps its last value after its process has exited. The default is Prometheus' lookback
  /// delta.
  std::chrono::nanoseconds linger = std::chrono::minutes(5);
};

/// The metrics that are served, from their maps to a page: reads, decodes, writes. Owns everything attached; detaches when
/// it dies. Thread-safe: scrapes take turns.
class MetricService {
 public:
  /// What could not be planned is in `rejected` and shows in the status, as does what the loader could not serve.
  [[nodiscard]] static Result<std::unique_ptr<MetricService>> make(loader::Loaded loaded,
                                                                   std::vector<plan::Rejected> rejected,
                                                                   const decode::Environment& environment,
                                                                   const kernel::Features& features,
                                                                   SeriesTimes times = {});

  /// Begins to serve in place of `previous`, which may be null. Replaces the programs of `attached`, which this deployment
  /// takes over from (null: nothing), takes over the series of the metrics that go on counting in the same maps, and calls
  /// `publish` before anybody can read them. On an error all goes on as before. Afterwards the status() of `previous` is
  /// empty. Call it once, and no scrape() of either meanwhile.
  [[nodiscard]] Result<void> begin(MetricService* previous, const loader::Loaded* attached,
                                   const std::function<void()>& publish);

  using Time = std::chrono::steady_clock::time_point;
  /// Writes all metrics, as `showing` says. A reading of a map by another scrape that began after `asked`, when the request
  /// came, serves this one, too. A metric whose map can't be read is left out and is down in the next
  /// status. False when one was left out, or the sink has refused a piece: then the scrape counts as not received.
  bool scrape(exposition::TextWriter& writer, const decode::Showing& showing, Time asked = Time::max());
  /// For a client that is not a scraper, and the only client.
  bool scrape(exposition::TextWriter& writer);

  /// Counts: what costs nothing to tell; `series` and `events_total` are those of the last scrape. Totals: reads the maps
  /// for both.
  enum class Detail : std::uint8_t { Counts, Totals };
  /// Nothing once another service has taken over.
  [[nodiscard]] std::optional<ExporterStatus> status(Detail detail);

  /// What is attached, for the deployment that takes over.
  [[nodiscard]] const loader::Loaded& loaded() const { return loaded_; }

  /// Reads the maps of one metric; nothing for a name that is not configured.
  [[nodiscard]] std::optional<MetricDetail> detail(const std::string& name);

  [[nodiscard]] std::size_t served() const { return served_.size(); }

 private:
  struct Served {
    const plan::PlannedMetric* planned = nullptr;
    const loader::LoadedMetric* metric = nullptr;  ///< of a generated program's metric; null otherwise
    std::vector<std::size_t> programs;             ///< by index in loaded_.programs
    const loader::LoadedObject* object = nullptr;  ///< of a metric of a BPF object; null otherwise
    const plan::ObjectMap* map = nullptr;
    std::unique_ptr<decode::LabelDecoder> labels;
    std::unique_ptr<decode::SeriesTable> series;
    std::unique_ptr<reader::Source> reader;
    reader::MapSnapshot snapshot;
    std::chrono::steady_clock::time_point read_at{};  ///< when its reading began; {}: read it anew
    double events_shown = 0;                          ///< events in all series at the last scrape
    std::string read_error;
  };

  MetricService(loader::Loaded loaded, const kernel::Features& features, SeriesTimes times)
      : loaded_(std::move(loaded)), features_(features), times_(times) {}
  [[nodiscard]] Result<void> serve(Served served, const decode::Environment& environment);
  void configure(Served& served);
  [[nodiscard]] Result<void> start_retirer();
  void take_series(MetricService& previous);
  /// False: the map can't be read.
  [[nodiscard]] static bool read(Served& served, Time asked);
  void end_series(Served& served, std::span<const std::byte> key, std::span<const std::uint64_t> value);
  [[nodiscard]] static std::optional<reader::MapSnapshot> all_rows(const Served& served);
  [[nodiscard]] MetricStatus status_of(Served& served, Detail detail);
  void add_programs_of(const Served& served, MetricStatus& status) const;
  void add_programs(ExporterStatus& status) const;
  [[nodiscard]] static MetricStatus status_of(const plan::Rejected& rejected);
  static void add_series(const Served& served, MetricDetail& detail);

  std::mutex mutex_;
  loader::Loaded loaded_;
  kernel::Features features_;
  SeriesTimes times_;
  std::vector<plan::Rejected> rejected_;
  std::vector<Served> served_;
  bool handed_over_ = false;
  std::vector<std::string> retired_labels_;  // kept for its memory
  /// The last member, so that its thread ends before what it uses. Null when no metric retires series.
  std::unique_ptr<Retirer> retirer_;
};

}  // namespace tpx::service
