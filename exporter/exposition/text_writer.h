#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "decode/series_table.h"
#include "exposition/chunk_sink.h"
#include "schema/metric_schema.h"

namespace tpx::exposition {

enum class TextFormat : std::uint8_t {
  Prometheus,  ///< text/plain; version=0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
  OpenMetrics  ///< application/openmetrics-text; version=1.0.0: https://prometheus.io/docs/specs/om/open_metrics_spec/
};

/// Type of a family of samples, as `# TYPE` says it.
enum class FamilyType : std::uint8_t { Counter, Gauge, Histogram, Summary, Untyped };

/// Writes one page of metrics to a sink in pieces of 64 KiB, so that memory does not grow with the number of series. Each
/// family name may be begun once a page. The page ends with finish(). After the sink has refused a piece, everything else
/// is a no-op. Used by one thread at a time.
class TextWriter {
 public:
  TextWriter(ChunkSink& sink, TextFormat format);
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  /// A whole metric: HELP, TYPE and the samples of every series; nothing if it has no series.
  /// Counters are written exactly, `_sum` too; see ScaledText.
  void metric(const schema::MetricSchema& plan, const decode::SeriesView& series);

  /// HELP and TYPE of a family whose samples follow with sample(). A counter's name has its `_total`.
  void begin_family(std::string_view name, std::string_view help, FamilyType type);
  /// One sample of the family begun last. `suffix` is what the name has after the family's (`_bucket`, `_sum`, `_count`,
  /// mostly none; a counter's `_total` comes by itself); `labels` as decode::render_labels() gives them; `extra` one more
  /// label such as `le="1"`, or nothing.
  void sample(std::string_view suffix, std::string_view labels, std::string_view extra, double value);

  /// Ends the page and gives what is left to the sink. False when the sink refused any piece.
  [[nodiscard]] bool finish();
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] TextFormat format() const { return format_; }

 private:
  static constexpr std::size_t kBufferSize = std::size_t{64} * 1024;

  void histogram(const schema::MetricSchema& plan, const decode::SeriesView& series);
  void put(std::string_view text);
  void put_help(std::string_view help);
  void flush();
  template <class WriteNumber>
  void line(std::string_view name, std::string_view labels, std::string_view extra, WriteNumber&& number);

  ChunkSink& sink_;
  TextFormat format_;
  bool ok_ = true;
  std::unique_ptr<char[]> buffer_;
  char* at_;
  char* end_;
  std::string sample_name_;  ///< of the family begun last
  std::string name_;         ///< with suffix; kept for its memory
};

/// `le="BOUND"` as `format` spells bounds.
[[nodiscard]] std::string le_label(TextFormat format, double bound);

}  // namespace tpx::exposition
