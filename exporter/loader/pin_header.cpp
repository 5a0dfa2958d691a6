#include "loader/pin_header.h"

#include <charconv>
#include <string_view>

namespace tpx::loader {

namespace {

constexpr std::string_view kVersion = "tracepoint_exporter pins 1";
constexpr std::size_t kMost = 1U << 20U;  // of anything in a list

/// FNV-1a, 64 bits: notices damage, not malice. Whoever can write here can write counters.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

class Writer {
 public:
  void number(std::uint64_t value) { text_ += std::to_string(value) + " "; }
  void text(std::string_view value) {
    number(value.size());
    text_ += value;
    text_ += "\n";
  }
  void region(const PinnedRegion& region) {
    text(region.pin);
    number(region.bytes);
    number(region.hidden_offset);
    number(region.hidden_bytes);
  }
  template <class Numbers>
  void numbers(const Numbers& values) {
    number(values.size());
    for (const auto value : values) {
      number(value);
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto used = static_cast<std::size_t>(end - rest_.data());
    ok_ = ok_ && error == std::errc() && used < rest_.size() && rest_[used] == ' ';
    rest_.remove_prefix(ok_ ? used + 1 : rest_.size());
    return ok_ ? value : 0;
  }
  std::string text() {
    const std::uint64_t size = number();
    ok_ = ok_ && size < rest_.size() && rest_[size] == '\n';
    std::string value(ok_ ? rest_.substr(0, size) : std::string_view());
    rest_.remove_prefix(ok_ ? size + 1 : rest_.size());
    return value;
  }
  PinnedRegion region() {
    PinnedRegion region;
    region.pin = text();
    region.bytes = number();
    region.hidden_offset = number();
    region.hidden_bytes = number();
    return region;
  }
  /// How many of a list follow.
  std::size_t count() {
    const std::uint64_t size = number();
    ok_ = ok_ && size <= kMost;
    return ok_ ? size : 0;
  }
  void refuse() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

PinnedPoint read_point(Reader& in) {
  PinnedPoint pinned;
  const std::uint64_t type = in.number();
  if (type > static_cast<std::uint64_t>(plan::AttachType::Classic)) {
    in.refuse();
  }
  pinned.point.type = static_cast<plan::AttachType>(type);
  pinned.point.id = static_cast<std::uint32_t>(in.number());
  for (std::string* text : {&pinned.point.category, &pinned.point.event, &pinned.slot, &pinned.stub, &pinned.link}) {
    *text = in.text();
  }
  return pinned;
}

PinnedMetric read_metric(Reader& in, std::size_t points) {
  PinnedMetric pinned;
  pinned.name = in.text();
  pinned.identity = in.text();
  pinned.region = in.region();
  pinned.hash = in.text();
  pinned.pair = in.region();
  for (std::size_t left = in.count(); left > 0; --left) {
    pinned.points.push_back(in.number());
    if (pinned.points.back() >= points) {
      in.refuse();
    }
  }
  for (std::size_t left = in.count(); left > 0; --left) {
    pinned.misses_before.push_back(in.number());
  }
  if (pinned.misses_before.size() != pinned.points.size()) {
    in.refuse();
  }
  return pinned;
}

}  // namespace

std::string render_pin_header(const PinHeader& header) {
  Writer out;
  out.text(kVersion);
  out.number(header.points.size());
  for (const PinnedPoint& pinned : header.points) {
    out.number(static_cast<std::uint64_t>(pinned.point.type));
    out.number(pinned.point.id);
    for (const std::string* text :
         {&pinned.point.category, &pinned.point.event, &pinned.slot, &pinned.stub, &pinned.link}) {
      out.text(*text);
    }
  }
  out.number(header.metrics.size());
  for (const PinnedMetric& pinned : header.metrics) {
    out.text(pinned.name);
    out.text(pinned.identity);
    out.region(pinned.region);
    out.text(pinned.hash);
    out.region(pinned.pair);
    out.numbers(pinned.points);
    out.numbers(pinned.misses_before);
  }
  std::string text = out.take();
  return text + std::to_string(checksum(text)) + "\n";
}

Result<PinHeader> parse_pin_header(const std::string& text) {
  Reader in(text);
  if (in.text() != kVersion) {
    return fail("the pins were made by another version of tracepoint_exporter, or by something else");
  }
  const auto sum = text.find_last_of(" \n", text.size() - 2) + 1;
  if (text.substr(sum) != std::to_string(checksum(text.substr(0, sum))) + "\n") {
    return fail("the header of the pins is damaged");
  }
  Reader body(std::string_view(text).substr(0, sum));
  static_cast<void>(body.text());
  PinHeader header;
  for (std::size_t left = body.count(); left > 0 && body.ok(); --left) {
    header.points.push_back(read_point(body));
  }
  for (std::size_t left = body.count(); left > 0 && body.ok(); --left) {
    header.metrics.push_back(read_metric(body, header.points.size()));
  }
  if (!body.complete()) {
    return fail("the header of the pins is damaged");
  }
  return header;
}

}  // namespace tpx::loader
