#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "assembler/program.h"
#include "base/error.h"
#include "support/test_kernel.h"

namespace tpx::test {

struct InterpreterOptions {
  std::uint64_t step_limit = 1'000'000;
  /// A load of memory that is not there gives 0, as the kernel's do through pointers typed by BTF.
  bool bad_loads_read_zero = false;
  /// Looks at the whole program first, which need not be done at every run of one.
  bool check = true;
};

/// Runs a program as the kernel's instruction set defines it, and stops where the verifier or the machine would: reads
/// and writes out of bounds, registers and stack bytes never written, misaligned stack, context and atomic accesses,
/// unknown helpers, records left reserved, code that nothing reaches. Every error names its instruction: "out of bounds
/// read at instruction 5: …".
/// `program` and `kernel` must outlive it; several may run on one kernel, interleaved by step(). Not thread-safe.
class Interpreter {
 public:
  /// R1 is the address of a copy of `context`, read-only.
  Interpreter(const assembler::Program& program, TestKernel& kernel, std::span<const std::uint8_t> context,
              InterpreterOptions options = {});
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  Interpreter(Interpreter&&) = delete;
  Interpreter& operator=(Interpreter&&) = delete;
  ~Interpreter();

  /// One instruction. False once the program has exited.
  Result<bool> step();
  /// All of it. Gives R0.
  Result<std::uint64_t> run();

  /// Index of the instruction that step() runs next.
  [[nodiscard]] std::size_t position() const { return position_; }
  /// How often each instruction ran.
  [[nodiscard]] const std::vector<std::uint64_t>& executed() const { return executed_; }

 private:
  void check();
  [[nodiscard]] Error describe(std::size_t at, const Fault& fault) const;
  void execute(const assembler::Instruction& instruction);
  void arithmetic(const assembler::Instruction& instruction);
  void jump(const assembler::Instruction& instruction);
  void call(std::uint32_t helper);
  void load(const assembler::Instruction& instruction);
  void store(const assembler::Instruction& instruction);
  void atomic(const assembler::Instruction& instruction);
  void load_wide(const assembler::Instruction& instruction);
  [[nodiscard]] std::uint64_t read(unsigned reg) const;
  void write(unsigned reg, std::uint64_t value);
  [[nodiscard]] std::uint64_t operand(const assembler::Instruction& instruction) const;

  const assembler::Program& program_;
  TestKernel& kernel_;
  InterpreterOptions options_;
  std::vector<std::uint8_t> context_;
  std::vector<std::uint8_t> stack_;
  std::array<std::optional<std::uint64_t>, 11> registers_;
  std::vector<std::uint64_t> executed_;
  std::size_t position_ = 0;
  std::uint64_t steps_ = 0;
  std::optional<Error> invalid_;  ///< of encode()
  bool exited_ = false;
};

/// R0 of one run of `program`.
Result<std::uint64_t> interpret(const assembler::Program& program, TestKernel& kernel,
                                std::span<const std::uint8_t> context = {}, InterpreterOptions options = {});

}  // namespace tpx::test
