#include "live/event_stream.h"

#include <algorithm>

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
  return open_all(std::vector<plan::EventRequest>{request}, kernel, options, ring_bytes);
}

Result<EventStream> EventStream::open_all(const std::vector<plan::EventRequest>& requests, const kernel::Kernel& kernel,
                                          const plan::Options& options, std::uint32_t ring_bytes) {
  auto ring = loader::RingBuffer::create(ring_bytes);
  if (!ring) {
    return fail(std::move(ring.error()));
  }
  auto counters = loader::Region::create("tpx_lost", 8);
  if (!counters) {
    return fail(std::move(counters.error()));
  }
  EventStream stream(std::move(*ring), std::move(*counters));
  for (const plan::EventRequest& request : requests) {
    if (auto added = stream.add(request, kernel, options); !added) {
      return fail(std::move(added.error()));
    }
  }
  return stream;
}

Result<void> EventStream::add(const plan::EventRequest& request, const kernel::Kernel& kernel,
                              const plan::Options& options) {
  auto plan = plan::plan_events(request, kernel, options);
  if (!plan) {
    return fail(std::move(plan.error()));
  }
  auto program = load(*plan, kernel.features, ring_, counters_);
  if (!program && program.error().by_verifier) {
    // Some kernels do not trust a pointer that others do: its members are then read by a helper.
    plan::Options careful = options;
    careful.probe_reads.insert(request.tracepoint);
    if (auto again = plan::plan_events(request, kernel, careful)) {
      plan = std::move(again);
      program = load(*plan, kernel.features, ring_, counters_);
    }
  }
  if (!program) {
    return fail(std::move(program.error()));
  }
  const bool counted = kernel.features.recursion_misses || plan->point.type == plan::AttachType::TpBtf;
  sources_.push_back({std::move(*plan), std::move(*program), counted});
  return {};
}

Result<void> EventStream::attach() {
  for (Source& source : sources_) {
    if (auto attached = source.program->attach(source.plan.point); !attached) {
      return attached;
    }
  }
  return {};
}

void EventStream::detach() {
  misses_ = lost() - counters_.load(0);
  for (Source& source : sources_) {
    source.program.reset();
  }
}

std::uint64_t EventStream::lost() const {
  std::uint64_t misses = misses_;
  for (const Source& source : sources_) {
    if (source.program && source.misses_are_true) {
      const auto statistics = source.program->statistics();
      misses += statistics ? statistics->recursion_misses : 0;
    }
  }
  return counters_.load(0) + misses;
}

bool EventStream::counts_all_lost() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.misses_are_true; });
}

}  // namespace tpx::live
