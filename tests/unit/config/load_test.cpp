#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

namespace {

struct TemporaryDirectory {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("tpx_load_test." + std::to_string(::getpid()));
  TemporaryDirectory() { std::filesystem::create_directory(path); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
};

std::string counter(const std::string& name) {
  return "metrics: [{name: " + name + ", tracepoint: a/b}]\n";
}

}  // namespace

TEST_CASE("a directory means its *.yaml, sorted") {
  const TemporaryDirectory directory;
  const std::string second = directory.write("b.yaml", counter("b_total"));
  const std::string first = directory.write("a.yaml", counter("a_total"));
  static_cast<void>(directory.write("c.yml", "garbage"));
  static_cast<void>(directory.write(".hidden.yaml", "garbage"));
  const auto loaded = load({directory.path});
  INFO(shown(loaded));
  CHECK(loaded.errors.empty());
  REQUIRE(loaded.config.files.size() == 2);
  CHECK(loaded.config.files[0].path == first);
  CHECK(loaded.config.files[1].path == second);
}

TEST_CASE("what can't be read is said, and the rest is loaded") {
  const TemporaryDirectory directory;
  const std::string good = directory.write("good.yaml", counter("a_total"));
  const std::string missing = directory.path / "missing.yaml";
  const auto loaded = load({missing, good});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].os_error == ENOENT);
  CHECK(loaded.errors[0].message == missing + ": No such file or directory");
  CHECK(loaded.config.files.size() == 1);
}

TEST_CASE("a directory without configuration is an error") {
  const TemporaryDirectory directory;
  const auto loaded = load({directory.path});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].message.find("has no *.yaml") != std::string::npos);
}

TEST_CASE("a file over the limit is an error") {
  const TemporaryDirectory directory;
  const auto loaded = load({directory.write("big.yaml", std::string(10U << 20U, '#'))});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].message.find("more than 4194304 bytes") != std::string::npos);
}

TEST_CASE("names may not be used in two files") {
  const TemporaryDirectory directory;
  const std::string a = directory.write("a.yaml", counter("a_total"));
  const std::string b = directory.write("b.yaml", "namespace: other\n" + counter("a_total"));
  const std::string c = directory.write("c.yaml", counter("a_total"));
  const auto loaded = load({a, b, c});
  INFO(shown(loaded));
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].location == SourceLocation{c, 1, 18});
  CHECK(loaded.errors[0].message == "metric name \"tracepoint_a_total\" is used twice");
  CHECK(loaded.errors[0].hint == "the first is at " + a + ":1");
  CHECK(loaded.config.files[2].metrics.empty());
}

TEST_CASE("no files, no configuration") {
  const auto loaded = load({});
  CHECK(loaded.errors.empty());
  CHECK(loaded.config.files.empty());
}
