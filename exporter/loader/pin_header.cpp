#include "loader/pin_header.h"

#include <string_view>

#include "base/fields.h"

namespace tpx::loader {

namespace {

constexpr std::string_view kVersion = "tracepoint_exporter pins 1";
class Writer : public FieldWriter {
 public:
  void region(const PinnedRegion& region) {
    text(region.pin);
    number(region.bytes);
    number(region.hidden_offset);
    number(region.hidden_bytes);
  }
};

class Reader : public FieldReader {
 public:
  using FieldReader::FieldReader;
  PinnedRegion region() {
    PinnedRegion region;
    region.pin = text();
    region.bytes = number();
    region.hidden_offset = number();
    region.hidden_bytes = number();
    return region;
  }
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
  pinned.shown = in.region();
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
    out.region(pinned.shown);
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
