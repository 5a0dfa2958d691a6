#include "loader/exit_watch.h"

#include <bit>

#include "codegen/exits.h"

namespace tpx::loader {

void add_marked(Ids& ids, std::uint64_t word, std::uint32_t first, std::uint32_t bits) {
  const std::uint64_t mark = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  while (word != 0) {
    const auto field = static_cast<std::uint32_t>(std::countr_zero(word)) / bits;
    ids.insert(first + field);
    word &= ~(mark << (field * bits));
  }
}

Result<ExitWatch> ExitWatch::start(const plan::ExitPlan& plan, const kernel::Features& features) {
  ExitWatch watch;
  watch.bits_ = codegen::exit_mark_bits(features);
  auto marks = Region::create("exits", std::uint64_t{codegen::kIds} * watch.bits_ / 8);
  if (!marks) {
    return fail(std::move(marks.error()));
  }
  watch.marks_ = std::move(*marks);
  auto program = LoadedProgram::load(plan.point, "tpx_exits", codegen::generate_exits(plan, features),
                                     [&](const std::string&) { return watch.marks_.descriptor(); });
  if (!program) {
    return fail(std::move(program.error()));
  }
  watch.program_ = std::move(*program);
  if (auto attached = watch.program_.attach(plan.point); !attached) {
    return fail(std::move(attached.error()));
  }
  return watch;
}

void ExitWatch::take(Ids& ids) const {
  const std::uint64_t bytes = std::uint64_t{codegen::kIds} * bits_ / 8;
  for (std::uint64_t at = 0; at < bytes; at += 8) {
    if (marks_.load(at) != 0) {
      add_marked(ids, marks_.exchange(at, 0), static_cast<std::uint32_t>(at * 8 / bits_), bits_);
    }
  }
}

}  // namespace tpx::loader
