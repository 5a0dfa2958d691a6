#include <bpf/bpf.h>

#include "assembler/program.h"
#include "config/config.h"
#include "loader/loader.h"
#include "service/configuration.h"
#include "service/deploy.h"
#include "support/contender.h"

namespace tpx::benchmark {

namespace {

Result<plan::Plan> planned(const std::string& yaml, const kernel::Kernel& kernel) {
  const config::Loaded loaded = config::parse("benchmark.yaml", yaml);
  if (!loaded.errors.empty()) {
    return fail(loaded.errors.front());
  }
  plan::Plan plan = plan::make_plan(loaded.config, kernel, service::planner_options());
  if (!plan.rejected.empty()) {
    return fail(plan.rejected.front().error);
  }
  return plan;
}

struct EmptyPrograms {
  loader::Region counter;  // outlives the programs
  std::vector<loader::LoadedProgram> programs;
};

assembler::Program empty_code(bool increment) {
  assembler::Program out;
  if (increment) {
    out.load_map(assembler::Reg::R1, {"counter", 0});
    out.load(assembler::Size::Double, assembler::Reg::R2, assembler::Reg::R1, 0);
    out.alu(assembler::Alu::Add, assembler::Reg::R2, 1);
    out.store(assembler::Size::Double, assembler::Reg::R1, 0, assembler::Reg::R2);
  }
  out.load_immediate(assembler::Reg::R0, 0);
  out.exit();
  return out;
}

Result<Attachment> attach_empty(const std::vector<plan::AttachPoint>& points, bool increment) {
  auto state = std::make_shared<EmptyPrograms>();
  auto region = loader::Region::create("counter", 4096);
  if (!region) {
    return fail(std::move(region.error()));
  }
  state->counter = std::move(*region);
  for (const plan::AttachPoint& point : points) {
    auto program = loader::LoadedProgram::load(point, "empty", empty_code(increment),
                                               [&](const std::string&) { return state->counter.descriptor(); });
    if (!program) {
      return fail(std::move(program.error()));
    }
    if (auto attached = program->attach(point); !attached) {
      return fail(std::move(attached.error()));
    }
    state->programs.push_back(std::move(*program));
  }
  return Attachment(state);
}

}  // namespace

Result<Contender> exporter(const std::string& yaml, const kernel::Kernel& kernel, Attached how) {
  auto plan = planned(yaml, kernel);
  if (!plan) {
    return fail(std::move(plan.error()));
  }
  const auto attach = [plan = *plan, &kernel, how]() -> Result<Attachment> {
    auto loaded = std::make_shared<loader::Loaded>(
        service::deploy(plan, kernel.features, loader::Attach::Yes, {how == Attached::Slot}));
    if (!loaded->rejected.empty()) {
      return fail(loaded->rejected.front().error);
    }
    return Attachment(loaded);
  };
  return Contender{how == Attached::Slot ? "exporter" : "exporter, no slot", 15, attach};
}

Result<std::vector<plan::AttachPoint>> attach_points(const std::string& yaml, const kernel::Kernel& kernel) {
  auto plan = planned(yaml, kernel);
  if (!plan) {
    return fail(std::move(plan.error()));
  }
  std::vector<plan::AttachPoint> points;
  for (const plan::ProgramPlan& program : plan->programs) {
    points.push_back(program.point);
  }
  return points;
}

Contender empty_program(std::vector<plan::AttachPoint> points, bool increment) {
  return {increment ? "empty, array + 1" : "empty", 15,
          [points = std::move(points), increment] { return attach_empty(points, increment); }};
}

}  // namespace tpx::benchmark
