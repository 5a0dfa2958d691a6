#include "loader/exit_watch.h"

#include <bit>
#include <tuple>

namespace tpx::loader {

void for_each_mark(std::uint64_t word, std::uint32_t first, std::uint32_t bits,
                   const std::function<void(std::uint32_t id, std::uint32_t marks)>& seen) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  while (word != 0) {
    const auto field = static_cast<std::uint32_t>(std::countr_zero(word)) / bits;
    seen(first + field, static_cast<std::uint32_t>((word >> (field * bits)) & mask));
    word &= ~(mask << (field * bits));
  }
}

bool ExitWatch::follows(const plan::ExitPlan& plan) const {
  const auto members = [](const plan::ExitPlan& of) {
    return std::tie(of.exit, of.free, of.exit_thread_offset, of.free_thread_offset, of.thread_offset, of.process_offset,
                    of.signal_offset, of.live_offset);
  };
  return members(plan_) == members(plan);
}

Result<LoadedProgram> ExitWatch::load(const plan::ExitPlan& plan, codegen::ExitMark mark,
                                      const kernel::Features& features, Attach attach) const {
  const bool exit = mark == codegen::ExitMark::Exited;
  const plan::AttachPoint& point = exit ? plan.exit : plan.free;
  auto program =
      LoadedProgram::load(point, exit ? "tpx_exit" : "tpx_free", codegen::generate_exits(plan, mark, features),
                          [this](const std::string&) { return marks_.descriptor(); });
  if (!program || attach == Attach::No) {
    return program;
  }
  if (auto attached = program->attach(point); !attached) {
    return fail(std::move(attached.error()));
  }
  return program;
}

Result<ExitWatch> ExitWatch::start(const plan::ExitPlan& plan, const kernel::Features& features, Attach attach) {
  ExitWatch watch;
  watch.plan_ = plan;
  watch.bits_ = codegen::exit_mark_bits(features);
  auto marks = Region::create("exits", std::uint64_t{codegen::kIds} * watch.bits_ / 8);
  if (!marks) {
    return fail(std::move(marks.error()));
  }
  watch.marks_ = std::move(*marks);
  for (const auto& [program, mark] :
       {std::pair(&watch.exit_, codegen::ExitMark::Exited), std::pair(&watch.free_, codegen::ExitMark::Freed)}) {
    auto loaded = watch.load(plan, mark, features, attach);
    if (!loaded) {
      return fail(std::move(loaded.error()));
    }
    *program = std::move(*loaded);
  }
  return watch;
}

void ExitWatch::take(ExitEcho::Time now, Ids& ids) {
  soon_.take(now, ids);
  late_.take(now, ids);
  const std::uint64_t bytes = std::uint64_t{codegen::kIds} * bits_ / 8;
  const auto seen = [&](std::uint32_t id, std::uint32_t marks) {
    soon_.note(id);
    late_.note(id);
    if ((marks & static_cast<std::uint32_t>(codegen::ExitMark::Freed)) != 0) {
      ids.insert(id);
    }
  };
  for (std::uint64_t at = 0; at < bytes; at += 8) {
    if (marks_.load(at) != 0) {
      for_each_mark(marks_.exchange(at, 0), static_cast<std::uint32_t>(at * 8 / bits_), bits_, seen);
    }
  }
}

bool ExitWatch::is_over(std::uint32_t id) const {
  if (id >= codegen::kIds) {
    return false;
  }
  const std::uint64_t bit = std::uint64_t{id} * bits_;
  const std::uint64_t mask = (std::uint64_t{1} << bits_) - 1;
  return (marks_.load(bit / 64 * 8) >> (bit % 64) & mask) != 0 || late_.contains(id);
}

}  // namespace tpx::loader
