#include "exposition/text_writer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/text.h"
#include "exposition/number_text.h"

namespace tpx::exposition {
namespace {

constexpr std::string_view kTotal = "_total";

char* copy(char* out, std::string_view text) {
  return out + text.copy(out, text.size());
}

std::string_view type_name(FamilyType type, TextFormat format) {
  switch (type) {
    case FamilyType::Counter:
      return "counter";
    case FamilyType::Gauge:
      return "gauge";
    case FamilyType::Histogram:
      return "histogram";
    case FamilyType::Summary:
      return "summary";
    case FamilyType::Untyped:
      break;
  }
  return format == TextFormat::OpenMetrics ? "unknown" : "untyped";
}

FamilyType family_type(schema::MetricKind kind) {
  switch (kind) {
    case schema::MetricKind::Counter:
      return FamilyType::Counter;
    case schema::MetricKind::Gauge:
      return FamilyType::Gauge;
    case schema::MetricKind::Histogram:
      return FamilyType::Histogram;
  }
  return FamilyType::Untyped;
}

}  // namespace

std::string le_label(TextFormat format, double bound) {
  char number[kMaxNumber];
  const char* end =
      format == TextFormat::OpenMetrics ? write_canonical_double(number, bound) : write_double(number, bound);
  return "le=\"" + std::string(number, static_cast<std::size_t>(end - number)) + '"';
}

TextWriter::TextWriter(ChunkSink& sink, TextFormat format)
    : sink_(sink), format_(format), buffer_(new char[kBufferSize]), at_(buffer_.get()), end_(at_ + kBufferSize) {}

void TextWriter::flush() {
  if (ok_ && at_ != buffer_.get()) {
    ok_ = sink_.write({buffer_.get(), static_cast<std::size_t>(at_ - buffer_.get())});
  }
  at_ = buffer_.get();
}

void TextWriter::put(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), static_cast<std::size_t>(end_ - at_));
    at_ = copy(at_, text.substr(0, size));
    text.remove_prefix(size);
    if (at_ == end_) {
      flush();
    }
  }
}

template <class WriteNumber>
void TextWriter::line(std::string_view name, std::string_view labels, std::string_view extra, WriteNumber&& number) {
  constexpr std::size_t kPunctuation = 5;
  const std::size_t size = name.size() + labels.size() + extra.size() + kPunctuation + kMaxNumber;
  if (size > static_cast<std::size_t>(end_ - at_)) {
    flush();
    if (size > kBufferSize) {  // labels of tens of KiB: in pieces
      char text[kMaxNumber];
      const char* text_end = number(text);
      put(name);
      put("{");
      put(labels);
      put(labels.empty() || extra.empty() ? "" : ",");
      put(extra);
      put("} ");
      put({text, static_cast<std::size_t>(text_end - text)});
      put("\n");
      return;
    }
  }
  char* out = copy(at_, name);
  if (!labels.empty() || !extra.empty()) {
    *out++ = '{';
    out = copy(out, labels);
    if (!extra.empty()) {
      if (!labels.empty()) {
        *out++ = ',';
      }
      out = copy(out, extra);
    }
    *out++ = '}';
  }
  *out++ = ' ';
  out = number(out);
  *out++ = '\n';
  at_ = out;
}

void TextWriter::put_help(std::string_view help) {
  for (const char c : to_utf8(help)) {
    if (c == '\\') {
      put("\\\\");
    } else if (c == '\n') {
      put("\\n");
    } else if (c == '"' && format_ == TextFormat::OpenMetrics) {
      put("\\\"");
    } else {
      put({&c, 1});
    }
  }
}

void TextWriter::begin_family(std::string_view name, std::string_view help, FamilyType type) {
  std::string_view family = name;
  sample_name_ = name;
  if (format_ == TextFormat::OpenMetrics && type == FamilyType::Counter) {
    // There the family is named without _total and the sample with it, always.
    if (family.ends_with(kTotal)) {
      family.remove_suffix(kTotal.size());
    } else {
      sample_name_ += kTotal;
    }
  }
  put("# HELP ");
  put(family);
  put(" ");
  put_help(help);
  put("\n# TYPE ");
  put(family);
  put(" ");
  put(type_name(type, format_));
  put("\n");
}

void TextWriter::sample(std::string_view suffix, std::string_view labels, std::string_view extra, double value) {
  name_.assign(sample_name_).append(suffix);
  line(name_, labels, extra, [value](char* out) { return write_double(out, value); });
}

void TextWriter::metric(const schema::MetricSchema& plan, const decode::SeriesView& series) {
  bool begun = false;
  if (plan.value.kind == schema::MetricKind::Histogram) {
    histogram(plan, series);
    return;
  }
  const ScaledText scaled(plan.scale);
  const bool is_signed = plan.value.kind == schema::MetricKind::Gauge && plan.value.is_signed;
  series.for_each([&](std::string_view labels, std::span<const std::uint64_t> value) {
    if (!begun) {
      begin_family(plan.name, plan.help, family_type(plan.value.kind));
      begun = true;
    }
    const std::uint64_t word = value[0];
    line(sample_name_, labels, {}, [&](char* out) {
      return is_signed ? scaled.write_signed(out, static_cast<std::int64_t>(word)) : scaled.write(out, word);
    });
    return ok_;
  });
}

void TextWriter::histogram(const schema::MetricSchema& plan, const decode::SeriesView& series) {
  const ScaledText scaled(plan.scale);
  const ScaledText plain(1);
  std::vector<std::string> bounds;
  for (const double bound : plan.value.exposed_bounds) {
    bounds.push_back(le_label(format_, bound));
  }
  bounds.push_back(le_label(format_, std::numeric_limits<double>::infinity()));
  const std::string bucket_name = plan.name + "_bucket";
  const std::string sum_name = plan.name + "_sum";
  const std::string count_name = plan.name + "_count";
  // OpenMetrics: with negative thresholds the sum can fall, so neither it nor the count may be there.
  const bool has_sum =
      format_ != TextFormat::OpenMetrics || plan.value.exposed_bounds.empty() || plan.value.exposed_bounds.front() >= 0;
  bool begun = false;
  series.for_each([&](std::string_view labels, std::span<const std::uint64_t> value) {
    if (!begun) {
      begin_family(plan.name, plan.help, FamilyType::Histogram);
      begun = true;
    }
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      count += value[i];
      line(bucket_name, labels, bounds[i], [&](char* out) { return plain.write(out, count); });
    }
    if (has_sum) {
      const std::size_t low = value.size() - 2;
      line(sum_name, labels, {}, [&](char* out) { return scaled.write_wide(out, value[low], value[low + 1]); });
      line(count_name, labels, {}, [&](char* out) { return plain.write(out, count); });
    }
    return ok_;
  });
}

bool TextWriter::finish() {
  if (format_ == TextFormat::OpenMetrics) {
    put("# EOF\n");
  }
  flush();
  return ok_;
}

}  // namespace tpx::exposition
