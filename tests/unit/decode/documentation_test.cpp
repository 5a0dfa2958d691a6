#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/file.h"
#include "catch.h"
#include "decode/decoder.h"
#include "test_paths.h"

namespace {

std::string takes(tpx::schema::DecoderInput input) {
  using tpx::schema::DecoderInput;
  switch (input) {
    case DecoderInput::Integer:
      return "an integer";
    case DecoderInput::String:
      return "a string";
    case DecoderInput::Bytes:
      return "an array";
    case DecoderInput::IntegerOrBytes:
      return "an integer or an array";
    case DecoderInput::Any:
      return "anything";
  }
  return "";
}

/// Table cells have no bare '|'.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  }
  return escaped;
}

std::string decoder_page() {
  std::ostringstream page;
  page << "# Decoders\n\n"
          "Made from the table in exporter/decode/table.cpp; `TPX_UPDATE_DOCS=1 build/tests/unit_tests *decoders.md*` "
          "rewrites "
          "it.\n\n| decoder | takes | gives | example |\n|---|---|---|---|\n";
  for (const auto& entry : tpx::decode::table()) {
    const auto& signature = entry.signature;
    page << "| `" << signature.name << "` | " << takes(signature.input) << " | " << cell(signature.summary) << " | `"
         << cell(signature.example) << "` |\n";
  }
  return page.str();
}

}  // namespace

TEST_CASE("docs/decoders.md is what the table says", "[documentation]") {
  const std::string path = std::string(TPX_SOURCE_DIR) + "/docs/decoders.md";
  if (std::getenv("TPX_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << decoder_page();
  }
  const auto written = tpx::read_file(path);
  REQUIRE(written.has_value());
  REQUIRE(*written == decoder_page());
}
