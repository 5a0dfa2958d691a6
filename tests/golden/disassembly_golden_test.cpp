// What is generated for one construct at a time. How a row is found is the same for all metrics of a store: it is shown
// where a case says `# show: rows`, elsewhere left out.

#include <sstream>

#include "catch.h"
#include "codegen/generate.h"
#include "golden/support/golden.h"
#include "skip.h"

namespace tpx::test {
namespace {

bool has_step(const std::string& line, std::initializer_list<const char*> steps) {
  const auto comment = line.find("; ");
  for (const char* step : steps) {
    if (comment != std::string::npos && line.substr(comment + 2) == step) {
      return true;
    }
  }
  return false;
}

std::string without_rows(const std::string& disassembly) {
  std::istringstream lines(disassembly);
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (has_step(line, {"hash of the key", "look the key up", "the one row"})) {
      inside = true;
      text += "      (finds the row)\n";
    }
    inside = inside && !has_step(line, {"add", "set", "bucket"});
    text += inside ? "" : line + "\n";
  }
  return text;
}

TEST_CASE("generated programs are as recorded", "[golden]") {
#if !defined(__x86_64__)
  TPX_SKIP("the files show what is generated for x86-64");
#endif
  for (const std::string& name : golden_cases("disassembly")) {
    INFO(name);
    const std::string yaml = golden_input("disassembly", name);
    const std::string release = directive(yaml, "kernel", "6.1");
    const kernel::Kernel& kernel = golden_kernel(release);
    const config::Loaded loaded = config::parse(name + ".yaml", yaml);
    INFO(config::render(loaded.errors, loaded.config));
    REQUIRE(loaded.errors.empty());
    const plan::Plan plan = plan::make_plan(loaded.config, kernel, golden_options());
    std::string text;
    for (const plan::Rejected& rejected : plan.rejected) {
      text += config::render({rejected.error}, loaded.config);
    }
    for (const plan::ProgramPlan& program : plan.programs) {
      const auto code = codegen::generate(program, plan.metrics, kernel.features);
      REQUIRE(code.has_value());
      CHECK(code->encode([](const std::string&) { return 3; }).has_value());
      const std::string listing = code->disassemble();
      text += program.point.text() + "\n" + (directive(yaml, "show", "") == "rows" ? listing : without_rows(listing));
    }
    check_golden("disassembly/" + name + ".txt", text);
  }
}

}  // namespace
}  // namespace tpx::test
