#include "support/random_program.h"

#include <array>
#include <vector>

namespace tpx::test {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Program;
using assembler::Reg;
using assembler::Size;

namespace {

constexpr int kRegisters = 9;  // R9 holds the map's value
constexpr int kStackWords = 4;
constexpr int kAtomicWords = 4;

class Generator {
 public:
  Generator(std::mt19937_64& random, const std::string& map) : random_(random) {
    program_.load_map(Reg::R9, {map, 0});
    for (int i = 0; i < kStackWords; ++i) {
      program_.load(Size::Double, Reg::R0, Reg::R9, kScratchInputs + 8 * i);
      program_.store(Size::Double, Reg::R10, -8 * (i + 1), Reg::R0);
    }
    for (int i = 0; i < kRegisters; ++i) {
      program_.load(Size::Double, static_cast<Reg>(i), Reg::R9, kScratchInputs + 8 * i);
    }
  }

  Program generate(std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
      place_due();
      step();
    }
    while (!pending_.empty()) {
      program_.place(pending_.back().label);
      pending_.pop_back();
    }
    for (int i = 0; i < kRegisters; ++i) {
      program_.store(Size::Double, Reg::R9, kScratchResults + 8 * i, static_cast<Reg>(i));
    }
    program_.load_immediate(Reg::R0, 0);
    program_.exit();
    return std::move(program_);
  }

 private:
  struct Pending {
    Label label;
    int distance;
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  bool coin() { return below(2) == 0; }
  Reg reg() { return static_cast<Reg>(below(kRegisters)); }
  std::int32_t immediate() { return static_cast<std::int32_t>(random_word(random_)); }

  void place_due() {
    for (auto at = pending_.begin(); at != pending_.end();) {
      if (--at->distance > 0) {
        ++at;
        continue;
      }
      program_.place(at->label);
      at = pending_.erase(at);
    }
  }

  void arithmetic() {
    static constexpr std::array kOps = {Alu::Add, Alu::Sub, Alu::Mul, Alu::Div, Alu::Or,  Alu::And,
                                        Alu::Lsh, Alu::Rsh, Alu::Mod, Alu::Xor, Alu::Mov, Alu::Arsh};
    const Alu op = kOps[static_cast<std::size_t>(below(kOps.size()))];
    const bool wide = coin();
    if (coin()) {
      const Reg dst = reg();
      const Reg src = reg();
      wide ? program_.alu(op, dst, src) : program_.alu32(op, dst, src);
      return;
    }
    std::int32_t value = immediate();
    if (op == Alu::Lsh || op == Alu::Rsh || op == Alu::Arsh) {
      value = below(wide ? 64 : 32);
    } else if ((op == Alu::Div || op == Alu::Mod) && value == 0) {
      value = 3;
    }
    const Reg dst = reg();
    wide ? program_.alu(op, dst, value) : program_.alu32(op, dst, value);
  }

  void conversion() {
    const Reg dst = reg();
    switch (below(6)) {
      case 0:
        return program_.negate(dst);
      case 1:
        return program_.alu32(Alu::Neg, dst, 0);
      case 2:
        return program_.to_big_endian(dst, 16 << below(3));
      case 3:
        return program_.sign_extend(dst, 1 + below(64));
      case 4:
        return program_.zero_extend(dst, 1 + below(64));
      default:
        return program_.load_immediate(dst, static_cast<std::int64_t>(random_word(random_)));
    }
  }

  void stack_access() {
    static constexpr std::array kSizes = {Size::Byte, Size::Half, Size::Word, Size::Double};
    const Size size = kSizes[static_cast<std::size_t>(below(kSizes.size()))];
    const int bytes = static_cast<int>(size);
    const int offset = -bytes * (1 + below(8 * kStackWords / bytes));
    switch (below(3)) {
      case 0:
        return program_.load(size, reg(), Reg::R10, offset);
      case 1:
        return program_.store(size, Reg::R10, offset, reg());
      default:
        return program_.store_immediate(size, Reg::R10, offset, bytes == 8 ? immediate() : below(1 << (8 * bytes - 2)));
    }
  }

  void atomic() {
    static constexpr std::array kOps = {Atomic::Add, Atomic::FetchAdd, Atomic::Or,       Atomic::FetchOr,
                                        Atomic::And, Atomic::FetchAnd, Atomic::Exchange, Atomic::CompareExchange};
    const Atomic op = kOps[static_cast<std::size_t>(below(kOps.size()))];
    const int offset = kScratchAtomics + 8 * below(kAtomicWords);
    program_.atomic(op, coin() ? Size::Word : Size::Double, Reg::R9, offset, reg());
  }

  void jump() {
    static constexpr std::array kConds = {Cond::Eq,  Cond::Ne,  Cond::Gt,  Cond::Ge,  Cond::Lt, Cond::Le,
                                          Cond::SGt, Cond::SGe, Cond::SLt, Cond::SLe, Cond::Set};
    const Label label = program_.new_label();
    pending_.push_back({label, 2 + below(6)});
    const Cond cond = kConds[static_cast<std::size_t>(below(kConds.size()))];
    if (coin()) {
      const Reg dst = reg();
      program_.jump_if(cond, dst, reg(), label);
    } else {
      program_.jump_if(cond, reg(), immediate(), label);
    }
  }

  void step() {
    const int kind = below(20);
    if (kind < 10) {
      arithmetic();
    } else if (kind < 13) {
      conversion();
    } else if (kind < 16) {
      stack_access();
    } else if (kind < 18) {
      atomic();
    } else {
      jump();
    }
  }

  std::mt19937_64& random_;
  Program program_;
  std::vector<Pending> pending_;
};

}  // namespace

std::uint64_t random_word(std::mt19937_64& random) {
  const std::uint64_t edge = std::uint64_t{1} << random() % 64;
  switch (random() % 6) {
    case 0:
      return random() % 70;
    case 1:
      return ~(random() % 70);
    case 2:
      return edge;
    case 3:
      return edge - 1;
    case 4:
      return random() & 0xffff'ffff;
    default:
      return random();
  }
}

Program random_program(std::mt19937_64& random, std::size_t length, const std::string& map) {
  return Generator(random, map).generate(length);
}

}  // namespace tpx::test
