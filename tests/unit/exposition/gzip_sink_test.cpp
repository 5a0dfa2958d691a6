#include "exposition/gzip_sink.h"

#include <zlib.h>

#include <string>

#include "catch.h"
#include "support/collecting_sink.h"

namespace tpx::exposition {
namespace {

/// What zlib makes of one whole gzip member; "<bad>" if it is not one.
std::string unzip(std::string compressed) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    char piece[4096];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(piece, sizeof piece - stream.avail_out);
  }
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? text : "<bad>";
}

std::string sample_text(std::size_t lines) {
  std::string text;
  std::uint64_t noise = 1;
  for (std::size_t i = 0; i < lines; ++i) {
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    text += "events_total{pid=\"" + std::to_string(i) + "\"} " + std::to_string(noise) + "\n";
  }
  return text;
}

TEST_CASE("what zlib unpacks is what was written, whatever the pieces") {
  const std::string text = sample_text(20000);
  for (const std::size_t piece : {std::size_t{1009}, std::size_t{65536}, text.size()}) {
    test::CollectingSink sink;
    GzipSink gzip(sink);
    for (std::size_t at = 0; at < text.size(); at += piece) {
      REQUIRE(gzip.write(std::string_view(text).substr(at, piece)));
    }
    REQUIRE(gzip.finish());
    CHECK(sink.text.size() < text.size() / 2);
    CHECK(sink.largest <= 65536);
    CHECK(unzip(sink.text) == text);
  }
}

TEST_CASE("compressed data flows before the end") {
  test::CollectingSink sink;
  GzipSink gzip(sink);
  REQUIRE(gzip.write(sample_text(100000)));
  CHECK(sink.text.size() > 500000);
  REQUIRE(gzip.finish());
}

TEST_CASE("an empty page is a valid gzip member") {
  test::CollectingSink sink;
  GzipSink gzip(sink);
  REQUIRE(gzip.write(""));
  REQUIRE(gzip.finish());
  CHECK(unzip(sink.text).empty());
}

TEST_CASE("a sink that refuses stops the compressor") {
  test::CollectingSink sink;
  sink.refuse_after = 1;
  GzipSink gzip(sink);
  CHECK_FALSE(gzip.write(sample_text(100000)));
  CHECK_FALSE(gzip.write("more"));
  CHECK_FALSE(gzip.finish());
  CHECK(sink.refused == 1);
}

}  // namespace
}  // namespace tpx::exposition
