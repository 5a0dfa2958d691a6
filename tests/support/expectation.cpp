#include "support/expectation.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "support/decimal.h"
#include "support/reference.h"

namespace tpx::test {

using config::MetricType;
using Kind = schema::ValueType::Kind;

namespace {

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte / 16];
    text += kDigits[byte % 16];
  }
  return text;
}

std::string decimal(std::int64_t value, const schema::ValueType& type) {
  return type.is_signed ? std::to_string(value) : std::to_string(static_cast<std::uint64_t>(value));
}

std::string text_of(const Value& value) {
  switch (value.type.kind) {
    case Kind::Integer:
      return decimal(value.integer, value.type);
    case Kind::String:
      return value.text;
    case Kind::Bytes:
      return hexadecimal(value.text);
  }
  return {};
}

bool is_unsigned(const Value& value) {
  return value.type.size == 8 && !value.type.is_signed;
}

class Expecting {
 public:
  explicit Expecting(const RandomMetric& metric)
      : metric_(metric), scale_(Decimal(number_text(metric.scale)) * Decimal(metric.end ? "1e-9" : "1")) {
    for (const double bound : metric.bounds) {
      bounds_.emplace_back(number_text(bound));
    }
    // A gauge: its value and whether it was set. A histogram: the buckets, +Inf, the sum in two words.
    words_ = metric.type == MetricType::Counter ? 1 : metric.type == MetricType::Gauge ? 2 : bounds_.size() + 3;
    if (metric.labels.empty()) {
      result_.rows[{}].resize(words_);
    }
  }

  void happen(const Event& event) {
    const std::string name = event.format->full_name();
    const bool starts =
        std::find(metric_.tracepoints.begin(), metric_.tracepoints.end(), name) != metric_.tracepoints.end();
    if (!metric_.end) {
      if (starts && passes(metric_.filter, event, nullptr)) {
        count(event);
      }
      return;
    }
    const bool begins = starts && passes(metric_.end->start_filter, event, nullptr);
    if (name == metric_.end->tracepoint) {
      end_pair(event, begins && metric_.end->key == metric_.end->start_key);
    }
    if (begins) {
      const auto [at, is_new] =
          starts_.insert_or_assign(Reference(event).evaluate(metric_.end->start_key).integer, &event);
      static_cast<void>(at);
      result_.restarted += is_new ? 0 : 1;
    }
  }

  Expectation take() { return std::move(result_); }

 private:
  static bool passes(const std::string& filter, const Event& event, const Event* start) {
    return filter.empty() || Reference(event, start).evaluate(filter).integer != 0;
  }

  std::vector<std::uint64_t>& row(const Event& event, const Event* start) {
    std::vector<std::string> labels;
    for (const RandomMetric::Label& label : metric_.labels) {
      if (label.expression == "probe") {
        const auto at = std::find(metric_.tracepoints.begin(), metric_.tracepoints.end(), event.format->full_name());
        labels.push_back(std::to_string(at - metric_.tracepoints.begin()));
      } else {
        labels.push_back(text_of(Reference(event, start).evaluate(label.expression)));
      }
    }
    auto& words = result_.rows[labels];
    words.resize(words_);
    return words;
  }

  void count(const Event& event) {
    Value value{{Kind::Integer, 8, true}, 1, {}};
    if (!metric_.value.empty()) {
      value = Reference(event).evaluate(metric_.value);
    }
    if (metric_.type == MetricType::Counter && !is_unsigned(value) && value.integer < 0) {
      ++result_.negative;
      return;
    }
    auto& words = row(event, nullptr);
    switch (metric_.type) {
      case MetricType::Counter:
        words[0] += static_cast<std::uint64_t>(value.integer);
        break;
      case MetricType::Gauge:
        words[0] = static_cast<std::uint64_t>(value.integer);
        words[1] = 1;
        break;
      case MetricType::Histogram:
        observe(words, value.integer, !is_unsigned(value));
    }
  }

  /// An event that the end's filter refuses ends its pair uncounted; one that `restarts` leaves it to be displaced.
  void end_pair(const Event& event, bool restarts) {
    const bool ends = passes(metric_.end->filter, event, nullptr);
    const auto found = starts_.find(Reference(event).evaluate(metric_.end->key).integer);
    if (found == starts_.end()) {
      result_.without_start += ends ? 1 : 0;
      return;
    }
    if (!ends && restarts) {
      return;
    }
    const Event& start = *found->second;
    starts_.erase(found);
    if (!ends || !passes(metric_.filter, event, &start)) {
      return;
    }
    const std::uint64_t duration = event.nanoseconds > start.nanoseconds ? event.nanoseconds - start.nanoseconds : 0;
    auto& words = row(event, &start);
    if (metric_.type == MetricType::Counter) {
      words[0] += duration;
      return;
    }
    observe(words, static_cast<std::int64_t>(duration), false);
  }

  void observe(std::vector<std::uint64_t>& words, std::int64_t value, bool is_signed) const {
    const Decimal exposed = Decimal(decimal(value, {Kind::Integer, 8, is_signed})) * scale_;
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && !(exposed <= bounds_[bucket])) {
      ++bucket;
    }
    ++words[bucket];
    add_to_sum(words, value, is_signed);
  }

  static void add_to_sum(std::vector<std::uint64_t>& words, std::int64_t value, bool is_signed) {
    __extension__ using Wide = unsigned __int128;
    __extension__ using SignedWide = __int128;
    Wide sum = Wide{words[words.size() - 1]} << 64U | words[words.size() - 2];
    sum += is_signed ? static_cast<Wide>(SignedWide{value}) : Wide{static_cast<std::uint64_t>(value)};
    words[words.size() - 2] = static_cast<std::uint64_t>(sum);
    words[words.size() - 1] = static_cast<std::uint64_t>(sum >> 64U);
  }

  const RandomMetric& metric_;
  Decimal scale_;
  std::vector<Decimal> bounds_;
  std::size_t words_ = 1;
  std::map<std::int64_t, const Event*> starts_;
  Expectation result_;
};

}  // namespace

Expectation expect(const RandomMetric& metric, const std::vector<std::unique_ptr<Event>>& events) {
  Expecting expecting(metric);
  for (const auto& event : events) {
    expecting.happen(*event);
  }
  return expecting.take();
}

std::vector<std::string> labels_of(const Bytes& key, const schema::KeyLayout& layout) {
  std::vector<bool> named(key.size(), false);
  std::vector<std::string> labels;
  for (const schema::KeyField& field : layout.fields) {
    std::fill_n(named.begin() + field.offset, field.type.size, true);
    const std::string bytes(reinterpret_cast<const char*>(key.data()) + field.offset, field.type.size);
    switch (field.type.kind) {
      case Kind::Integer:
        labels.push_back(decimal(integer_at(key, field.offset, field.type.size, field.type.is_signed), field.type));
        break;
      case Kind::String:
        labels.push_back(bytes.substr(0, bytes.find('\0')));
        break;
      case Kind::Bytes:
        labels.push_back(hexadecimal(bytes));
    }
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (!named[i] && key[i] != 0) {
      throw std::runtime_error("padding of a key is not 0");
    }
  }
  return labels;
}

}  // namespace tpx::test
