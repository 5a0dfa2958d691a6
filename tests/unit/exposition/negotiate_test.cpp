#include "exposition/negotiate.h"

#include "catch.h"

namespace tpx::exposition {
namespace {

TextFormat format(std::string_view accept) {
  return negotiate(accept, "").format;
}
bool gzip(std::string_view accept_encoding) {
  return negotiate("", accept_encoding).gzip;
}

TEST_CASE("without a wish, text 0.0.4, not compressed") {
  const Negotiated result = negotiate("", "");
  CHECK(result.format == TextFormat::Prometheus);
  CHECK(result.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_FALSE(result.gzip);
  CHECK(format("*/*") == TextFormat::Prometheus);
  CHECK(format("text/html,application/xhtml+xml,*/*;q=0.8") == TextFormat::Prometheus);
  CHECK(format("application/json") == TextFormat::Prometheus);
}

TEST_CASE("Prometheus servers get OpenMetrics") {
  const Negotiated result = negotiate(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "gzip");
  CHECK(result.format == TextFormat::OpenMetrics);
  CHECK(result.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(result.gzip);
  CHECK(format("application/openmetrics-text; version=1.0.0; escaping=allow-utf-8;q=0.6,text/plain;q=0.2") ==
        TextFormat::OpenMetrics);
}

TEST_CASE("weights decide, the first of equals wins, 0 excludes") {
  CHECK(format("application/openmetrics-text;q=0.3, text/plain;q=0.9") == TextFormat::Prometheus);
  CHECK(format("text/plain;q=0.3, application/openmetrics-text;q=0.9") == TextFormat::OpenMetrics);
  CHECK(format("text/plain, application/openmetrics-text") == TextFormat::Prometheus);
  CHECK(format("application/openmetrics-text, text/plain") == TextFormat::OpenMetrics);
  CHECK(format("application/openmetrics-text;q=0") == TextFormat::Prometheus);
  CHECK(format("Application/OpenMetrics-Text;Version=\"1.0.0\" ; Q=1.0") == TextFormat::OpenMetrics);
}

TEST_CASE("versions that are not written are not chosen") {
  CHECK(format("application/openmetrics-text;version=0.0.1") == TextFormat::Prometheus);
  CHECK(format("application/openmetrics-text;version=2.0.0, text/plain;version=1.0.0;q=0.5") == TextFormat::Prometheus);
}

TEST_CASE("gzip is used where it is taken") {
  CHECK(gzip("gzip"));
  CHECK(gzip("deflate, gzip;q=1.0, *;q=0.5"));
  CHECK(gzip("*"));
  CHECK(gzip("GZIP"));
  CHECK(gzip("identity;q=0.5, gzip;q=0.5"));
  CHECK_FALSE(gzip("identity"));
  CHECK_FALSE(gzip("gzip;q=0"));
  CHECK_FALSE(gzip("gzip;q=0, *"));
  CHECK_FALSE(gzip("identity, gzip;q=0.5"));
  CHECK_FALSE(gzip("br, deflate"));
}

TEST_CASE("nonsense is harmless") {
  for (const std::string_view header : {";;;===", ",,,,", "q=", "gzip;q=nan", "gzip;q=7", "\"", "*/*;q=\"", ";q=1"}) {
    CHECK(format(header) == TextFormat::Prometheus);
    CHECK_FALSE(gzip(header));
  }
}

}  // namespace
}  // namespace tpx::exposition
