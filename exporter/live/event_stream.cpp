#include "live/event_stream.h"

#include "codegen/events.h"

namespace tpx::live {

namespace {

Result<loader::LoadedProgram> load(const plan::EventPlan& plan, const kernel::Features& features,
                                   const loader::RingBuffer& ring, const loader::Region& counters) {
  auto code = codegen::generate_events(plan, features);
  if (!code) {
    return fail(std::move(code.error()));
  }
  return loader::LoadedProgram::load(plan.point, "tpx_events", *code, [&](const std::string& name) {
    return name == codegen::kEventRing       ? ring.descriptor()
           : name == codegen::kEventCounters ? counters.descriptor()
                                             : -1;
  });
}

}  // namespace

Result<EventStream> EventStream::open(const plan::EventRequest& request, const kernel::Kernel& kernel,
                                      const plan::Options& options, std::uint32_t ring_bytes) {
  auto plan = plan::plan_events(request, kernel, options);
  if (!plan) {
    return fail(std::move(plan.error()));
  }
  auto ring = loader::RingBuffer::create(ring_bytes);
  if (!ring) {
    return fail(std::move(ring.error()));
  }
  auto counters = loader::Region::create("tpx_lost", 8);
  if (!counters) {
    return fail(std::move(counters.error()));
  }
  auto program = load(*plan, kernel.features, *ring, *counters);
  if (!program && program.error().by_verifier) {
    // Some kernels do not trust a pointer that others do: its members are then read by a helper.
    plan::Options careful = options;
    careful.probe_reads.insert(request.tracepoint);
    if (auto again = plan::plan_events(request, kernel, careful)) {
      plan = std::move(again);
      program = load(*plan, kernel.features, *ring, *counters);
    }
  }
  if (!program) {
    return fail(std::move(program.error()));
  }
  return EventStream(std::move(*plan), std::move(*ring), std::move(*counters), std::move(*program),
                     kernel.features.recursion_misses || plan->point.type == plan::AttachType::TpBtf);
}

Result<void> EventStream::attach() {
  return program_->attach(plan_.point);
}

void EventStream::detach() {
  misses_ = lost() - counters_.load(0);
  program_.reset();
}

std::uint64_t EventStream::lost() const {
  std::uint64_t misses = misses_;
  if (program_ && misses_are_true_) {
    const auto statistics = program_->statistics();
    misses = statistics ? statistics->recursion_misses : 0;
  }
  return counters_.load(0) + misses;
}

}  // namespace tpx::live
