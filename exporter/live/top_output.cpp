#include "live/top_output.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "decode/label_text.h"
#include "exposition/chunk_sink.h"
#include "exposition/text_writer.h"
#include "live/text_buffer.h"

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

void append_number(std::string& out, double value) {
  std::array<char, 32> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::isfinite(value) ? value : 0);
  out.append(buffer.data(), done.ptr);
}

void append_member(std::string& out, std::string_view name, double value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
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
  std::string out = "{\"metric\":";
  append_json_string(out, subject.metric);
  append_member(out, "time", std::round(time * 1000) / 1000);
  append_member(out, "series", static_cast<double>(model.size()));
  append_member(out, "total", model.total());
  append_member(out, "rate", model.rate());
  out += ",\"rows\":[";
  for (const TopRow& row : rows) {
    out += &row == rows.data() ? "{\"labels\":{" : ",{\"labels\":{";
    for (std::size_t i = 0; i < subject.labels.size(); ++i) {
      out += i == 0 ? "" : ",";
      append_json_string(out, subject.labels[i]);
      out += ':';
      append_json_string(out, row.labels[i]);
    }
    out += '}';
    append_member(out, "total", row.total);
    append_member(out, "rate", row.rate);
    if (model.has_quantiles()) {
      append_member(out, "p50", row.quantiles[0]);
      append_member(out, "p90", row.quantiles[1]);
      append_member(out, "p99", row.quantiles[2]);
    }
    out += '}';
  }
  return out + "]}\n";
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
