#include "golden/support/golden.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "catch.h"
#include "decode/decoder.h"
#include "support/fixtures.h"
#include "test_paths.h"

namespace tpx::test {

namespace {

const std::string kDirectory = TPX_SOURCE_DIR "/tests/golden/";

std::string read(const std::string& path) {
  const std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool updating() {
  const char* update = std::getenv("TPX_UPDATE_GOLDEN");
  return update != nullptr && std::string_view(update) == "1";
}

/// `line 3: wanted "…", found "…"`
std::string first_difference(const std::string& wanted, const std::string& found) {
  std::istringstream left(wanted);
  std::istringstream right(found);
  std::string left_line;
  std::string right_line;
  for (int line = 1; true; ++line) {
    const bool more_left = static_cast<bool>(std::getline(left, left_line));
    const bool more_right = static_cast<bool>(std::getline(right, right_line));
    if (!more_left && !more_right) {
      return "line ends differ";
    }
    if (more_left != more_right || left_line != right_line) {
      return "line " + std::to_string(line) + "\nwanted " + (more_left ? left_line : "nothing") + "\nfound  " +
             (more_right ? right_line : "nothing");
    }
  }
}

}  // namespace

void check_golden(const std::string& name, const std::string& text) {
  const std::string path = kDirectory + name;
  if (updating()) {
    std::ofstream(path) << text;
  }
  const std::string wanted = read(path);
  if (wanted == text) {
    SUCCEED(name);
    return;
  }
  FAIL_CHECK("tests/golden/" << name << ", " << first_difference(wanted, text)
                             << "\nIf that is right: TPX_UPDATE_GOLDEN=1 ./dev test golden");
}

std::vector<std::string> golden_cases(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory + directory)) {
    if (entry.path().extension() == ".yaml") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  REQUIRE_FALSE(names.empty());
  return names;
}

std::string golden_input(const std::string& directory, const std::string& name) {
  return read(kDirectory + directory + "/" + name + ".yaml");
}

std::string directive(const std::string& yaml, const std::string& key, const std::string& otherwise) {
  const std::string start = "# " + key + ": ";
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) {
      return line.substr(start.size());
    }
  }
  return otherwise;
}

const kernel::Kernel& golden_kernel(const std::string& release) {
  static std::map<std::string, kernel::Kernel> kernels;
  const auto known = kernels.find(release);
  if (known != kernels.end()) {
    return known->second;
  }
  int major = 0;
  int minor = 0;
  char dot = 0;
  std::istringstream(release) >> major >> dot >> minor;
  auto kernel = kernel::recorded_kernel(recorded_directory(release), kernel::features_of_release(major, minor));
  REQUIRE(kernel.has_value());
  kernel->possible_cpus = 2;
  return kernels.emplace(release, std::move(*kernel)).first->second;
}

plan::Options golden_options() {
  plan::Options options;
  options.decoders = decode::signatures();
  return options;
}

}  // namespace tpx::test
