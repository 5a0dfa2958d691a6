#include "live/top_output.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "decode/label_text.h"
#include "exposition/chunk_sink.h"
#include "exposition/text_writer.h"
#include "live/json.h"

namespace tpx::live {

using exposition::FamilyType;
using exposition::TextWriter;
using schema::MetricKind;

namespace {

class StringSink : public exposition::ChunkSink {
 public:
  bool write(std::string_view piece) override {
    text += piece;
    return true;
  }
  std::string text;
};

std::string number(double value) {
  std::array<char, 32> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::isfinite(value) ? value : 0);
  return {buffer.data(), done.ptr};
}

double sum_of(const TopRow& row, const TopModel& model) {
  const std::size_t low = row.value.size() - 2;
  const auto high = static_cast<double>(static_cast<std::int64_t>(row.value[low + 1]));
  return (std::ldexp(high, 64) + static_cast<double>(row.value[low])) * model.scale();
}

void write_histogram(TextWriter& writer, const TopModel& model, const TopRow& row, std::string_view labels) {
  const std::vector<double>& bounds = model.layout().exposed_bounds;
  double below = 0;
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    below += static_cast<double>(row.value[i]);
    const double bound = i < bounds.size() ? bounds[i] : HUGE_VAL;
    writer.sample("_bucket", labels, exposition::le_label(writer.format(), bound), below);
  }
  writer.sample("_sum", labels, {}, sum_of(row, model));
  writer.sample("_count", labels, {}, below);
}

}  // namespace

std::string top_json(const TopSubject& subject, const TopModel& model, const std::vector<TopRow>& rows, double time) {
  const auto row_json = [&](const TopRow& row) {
    JsonObject labels;
    for (std::size_t i = 0; i < subject.labels.size(); ++i) {
      labels.text(subject.labels[i], row.labels[i]);
    }
    JsonObject out;
    out.raw("labels", labels.done()).raw("total", number(row.total)).raw("rate", number(row.rate));
    if (model.has_quantiles()) {
      out.raw("p50", number(row.quantiles[0]))
          .raw("p90", number(row.quantiles[1]))
          .raw("p99", number(row.quantiles[2]));
    }
    return out.done();
  };
  return JsonObject()
             .text("metric", subject.metric)
             .raw("time", number(std::round(time * 1000) / 1000))
             .count("series", model.size())
             .raw("total", number(model.total()))
             .raw("rate", number(model.rate()))
             .raw("rows", json_array(rows, row_json))
             .done() +
         "\n";
}

std::string top_prometheus(const TopSubject& subject, const TopModel& model, const std::vector<TopRow>& rows) {
  StringSink sink;
  TextWriter writer(sink, exposition::TextFormat::Prometheus);
  const MetricKind kind = model.layout().kind;
  writer.begin_family(subject.metric, subject.help,
                      kind == MetricKind::Counter ? FamilyType::Counter
                      : kind == MetricKind::Gauge ? FamilyType::Gauge
                                                  : FamilyType::Histogram);
  std::string labels;
  for (const TopRow& row : rows) {
    decode::render_labels(labels, subject.labels, row.labels);
    kind == MetricKind::Histogram ? write_histogram(writer, model, row, labels)
                                  : writer.sample({}, labels, {}, row.total);
  }
  static_cast<void>(writer.finish());
  return sink.text;
}

}  // namespace tpx::live
