#include <bpf/bpf.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "assembler/program.h"
#include "base/unique_fd.h"
#include "catch.h"
#include "loader/options.h"
#include "support/interpreter.h"
#include "support/random_program.h"

namespace tpx::test {
namespace {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Program;
using assembler::Reg;
using assembler::Size;

std::uint64_t word(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// A kernel map of one element beside the interpreter's map of the same name and content.
class Scratch {
 public:
  explicit Scratch(std::uint32_t bytes) : bytes_(bytes) {
    map_ = UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "scratch", 4, bytes, 1, nullptr));
    REQUIRE(map_.valid());
    kernel.add_map("scratch", BPF_MAP_TYPE_ARRAY, 4, bytes, 1);
  }

  void fill(const Bytes& content) {
    const std::uint32_t key = 0;
    REQUIRE(bpf_map_update_elem(map_.get(), &key, content.data(), BPF_ANY) == 0);
    std::ranges::copy(content, kernel.value("scratch").begin());
  }

  /// Runs the program in both, the kernel's verifier being content, and compares all of the map.
  void compare(const Program& program) {
    const auto encoded = program.encode([this](const std::string&) { return map_.get(); });
    INFO((encoded ? "" : encoded.error().message));
    REQUIRE(encoded.has_value());
    std::vector<char> log(1U << 20U);
    auto options = loader::default_options<bpf_prog_load_opts>();
    options.log_level = 1;
    options.log_size = static_cast<__u32>(log.size());
    options.log_buf = log.data();
    const UniqueFd loaded(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "tpx_assembler", "GPL",
                                        encoded->instructions.data(), encoded->instructions.size(), &options));
    INFO(program.disassemble());
    INFO(log.data());
    REQUIRE(loaded.valid());
    std::array<std::uint64_t, 2> context = {11, 22};
    auto run = loader::default_options<bpf_test_run_opts>();
    run.ctx_in = context.data();
    run.ctx_size_in = sizeof context;
    REQUIRE(bpf_prog_test_run_opts(loaded.get(), &run) == 0);

    std::vector<std::uint8_t> bytes(sizeof context);
    std::memcpy(bytes.data(), context.data(), bytes.size());
    const Result<std::uint64_t> result = interpret(program, kernel, bytes);
    INFO((result ? "" : result.error().message));
    REQUIRE(result.has_value());
    CHECK(run.retval == static_cast<std::uint32_t>(*result));
    Bytes real(bytes_);
    const std::uint32_t key = 0;
    REQUIRE(bpf_map_lookup_elem(map_.get(), &key, real.data()) == 0);
    const auto value = kernel.value("scratch");
    for (std::size_t at = 0; at < real.size(); at += 8) {
      INFO("map value +" << at);
      CHECK(word(real.data() + at) == word(value.data() + at));
    }
  }

  TestKernel kernel;

 private:
  std::uint32_t bytes_;
  UniqueFd map_;
};

Bytes random_bytes(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    const std::uint64_t next = random_word(random);
    std::memcpy(bytes.data() + at, &next, sizeof next);
  }
  return bytes;
}

/// Builds one program of every form: each stores its result into the next word of the map.
class AllForms {
 public:
  static constexpr std::uint32_t kBytes = 4096;

  AllForms() {
    program_.load_map(Reg::R9, {"scratch", 0});
    program_.move(Reg::R8, Reg::R1);
  }

  Program build() {
    arithmetic();
    conversions();
    conditions();
    memory();
    atomics();
    loop();
    REQUIRE(next_ <= kBytes);
    program_.load(Size::Double, Reg::R0, Reg::R8, 8);
    program_.exit();
    return std::move(program_);
  }

 private:
  /// R1 and R2 from the two input words at the map's start.
  void operands() {
    program_.load(Size::Double, Reg::R1, Reg::R9, 0);
    program_.load(Size::Double, Reg::R2, Reg::R9, 8);
  }
  void keep(Reg reg) {
    program_.store(Size::Double, Reg::R9, next_, reg);
    next_ += 8;
  }

  void arithmetic() {
    for (int i = 0; i <= static_cast<int>(Alu::Arsh); ++i) {
      const auto op = static_cast<Alu>(i);
      if (op == Alu::Neg) {
        continue;
      }
      operands();
      program_.alu(op, Reg::R1, Reg::R2);
      keep(Reg::R1);
      operands();
      program_.alu32(op, Reg::R1, Reg::R2);
      keep(Reg::R1);
      operands();
      program_.alu(op, Reg::R1, 13);
      keep(Reg::R1);
      operands();
      program_.alu32(op, Reg::R1, 13);
      keep(Reg::R1);
    }
    operands();
    program_.alu32(Alu::Mul, Reg::R1, 0x9e3779b1);
    keep(Reg::R1);
  }

  void conversions() {
    for (const int bits : {16, 32, 64}) {
      operands();
      program_.to_big_endian(Reg::R1, bits);
      keep(Reg::R1);
    }
    for (const int bits : {1, 8, 31, 32, 33, 63, 64}) {
      operands();
      program_.sign_extend(Reg::R1, bits);
      program_.zero_extend(Reg::R2, bits);
      keep(Reg::R1);
      keep(Reg::R2);
    }
    operands();
    program_.negate(Reg::R1);
    program_.alu32(Alu::Neg, Reg::R2, 0);
    keep(Reg::R1);
    keep(Reg::R2);
    for (const std::int64_t value : {std::int64_t{-1}, std::int64_t{0x80000000}, std::int64_t{0x123456789abcdef0}}) {
      program_.load_immediate(Reg::R1, value);
      keep(Reg::R1);
    }
  }

  void conditions() {
    for (int i = 0; i <= static_cast<int>(Cond::Set); ++i) {
      for (const bool immediate : {false, true}) {
        const Label taken = program_.new_label();
        operands();
        program_.load_immediate(Reg::R3, 1);
        if (immediate) {
          program_.jump_if(static_cast<Cond>(i), Reg::R1, -3, taken);
        } else {
          program_.jump_if(static_cast<Cond>(i), Reg::R1, Reg::R2, taken);
        }
        program_.load_immediate(Reg::R3, 0x200000000);
        program_.place(taken);
        keep(Reg::R3);
      }
    }
  }

  void memory() {
    for (const Size size : {Size::Byte, Size::Half, Size::Word, Size::Double}) {
      operands();
      program_.store(Size::Double, Reg::R10, -8, Reg::R2);
      program_.store(size, Reg::R10, -8, Reg::R1);
      program_.load(Size::Double, Reg::R3, Reg::R10, -8);
      keep(Reg::R3);
      program_.store_immediate(size, Reg::R10, -8, size == Size::Double ? -2 : 0xfe);
      program_.load(Size::Double, Reg::R3, Reg::R10, -8);
      keep(Reg::R3);
      program_.load(size, Reg::R3, Reg::R9, 0);
      keep(Reg::R3);
    }
    program_.load_map(Reg::R3, {"scratch", 8});
    program_.load(Size::Double, Reg::R3, Reg::R3, 0);
    keep(Reg::R3);
  }

  void atomics() {
    for (int i = 0; i <= static_cast<int>(Atomic::CompareExchange); ++i) {
      for (const Size size : {Size::Word, Size::Double}) {
        for (const bool equal : {false, true}) {
          operands();
          program_.store(Size::Double, Reg::R9, next_, Reg::R2);
          program_.move(Reg::R0, equal ? Reg::R2 : Reg::R1);
          program_.atomic(static_cast<Atomic>(i), size, Reg::R9, next_, Reg::R1);
          next_ += 8;
          keep(Reg::R0);
          keep(Reg::R1);
        }
      }
    }
  }

  void loop() {
    const Label top = program_.new_label();
    program_.load_immediate(Reg::R3, 0);
    program_.load_immediate(Reg::R4, 0);
    program_.place(top);
    program_.alu(Alu::Add, Reg::R4, Reg::R3);
    program_.load_immediate(Reg::R5, 0x300000000);
    program_.alu(Alu::Add, Reg::R4, Reg::R5);
    program_.alu(Alu::Add, Reg::R3, 1);
    program_.jump_if(Cond::Lt, Reg::R3, 10, top);
    const Label end = program_.new_label();
    const Label back = program_.new_label();
    program_.jump(end);
    program_.place(back);
    keep(Reg::R4);
    const Label done = program_.new_label();
    program_.jump(done);
    program_.place(end);
    program_.alu(Alu::Add, Reg::R4, 1);
    program_.jump(back);
    program_.place(done);
  }

  Program program_;
  std::uint32_t next_ = 16;
};

TEST_CASE("the kernel runs every form as the interpreter does", "[kernel]") {
  std::mt19937_64 random(20240229);
  const Program program = AllForms().build();
  Scratch scratch(AllForms::kBytes);
  for (int i = 0; i < 20; ++i) {
    scratch.fill(random_bytes(random, AllForms::kBytes));
    scratch.compare(program);
  }
}

TEST_CASE("the kernel runs random programs as the interpreter does", "[kernel]") {
  std::mt19937_64 random(997);
  Scratch scratch(kScratchBytes);
  for (int i = 0; i < 300; ++i) {
    INFO("program " << i);
    scratch.fill(random_bytes(random, kScratchBytes));
    scratch.compare(random_program(random, 60, "scratch"));
  }
}

/// helper(map value + at, size, source), its answer at `at` + 32.
void read_into(Program& program, std::uint32_t helper, std::uint32_t at, std::int64_t size, const void* source) {
  program.load_map(Reg::R1, {"scratch", at});
  program.load_immediate(Reg::R2, size);
  program.load_immediate(Reg::R3, static_cast<std::int64_t>(address_of(source)));
  program.call(helper);
  program.load_map(Reg::R1, {"scratch", at + 32});
  program.store(Size::Double, Reg::R1, 0, Reg::R0);
}

TEST_CASE("the test kernel's helpers answer as the kernel's", "[kernel]") {
  static constexpr Bytes::value_type kPath[] = {'/', 'e', 't', 'c', '/', 'p', 'a', 's', 's', 'w', 'd', 0};
  std::mt19937_64 random(1);
  Scratch scratch(512);
  TestKernel& kernel = scratch.kernel;
  scratch.fill(random_bytes(random, 512));
  REQUIRE(prctl(PR_SET_NAME, "tpx worker 7") == 0);
  kernel.comm = "tpx worker 7";
  kernel.pid_tgid = static_cast<std::uint64_t>(getpid()) << 32U | static_cast<std::uint64_t>(syscall(SYS_gettid));
  kernel.uid_gid = static_cast<std::uint64_t>(getgid()) << 32U | getuid();
  kernel.memory.add("path", kPath, Space::User);

  Program program;
  program.load_map(Reg::R6, {"scratch", 0});
  program.call(BPF_FUNC_get_current_pid_tgid);
  program.store(Size::Double, Reg::R6, 0, Reg::R0);
  program.call(BPF_FUNC_get_current_uid_gid);
  program.store(Size::Double, Reg::R6, 8, Reg::R0);
  program.load_map(Reg::R1, {"scratch", 16});
  program.load_immediate(Reg::R2, 16);
  program.call(BPF_FUNC_get_current_comm);
  program.store(Size::Double, Reg::R6, 32, Reg::R0);
  program.load_map(Reg::R1, {"scratch", 40});
  program.load_immediate(Reg::R2, 8);
  program.call(BPF_FUNC_get_current_comm);
  read_into(program, BPF_FUNC_probe_read_user, 64, 12, kPath);
  read_into(program, BPF_FUNC_probe_read_user, 128, 12, nullptr);
  read_into(program, BPF_FUNC_probe_read_kernel, 192, 12, kPath);
  read_into(program, BPF_FUNC_probe_read_kernel, 256, 0, nullptr);
  read_into(program, BPF_FUNC_probe_read_user_str, 320, 5, kPath);
  read_into(program, BPF_FUNC_probe_read_kernel_str, 384, 12, kPath);
  // Exactly to its end: what follows a NUL is not defined.
  read_into(program, BPF_FUNC_probe_read_user_str, 448, 12, kPath);
  program.load_immediate(Reg::R0, 0);
  program.exit();
  scratch.compare(program);
}

TEST_CASE("the test kernel's hash map answers as the kernel's", "[kernel]") {
  const UniqueFd hash(bpf_map_create(BPF_MAP_TYPE_HASH, "hash", 8, 8, 2, nullptr));
  REQUIRE(hash.valid());
  const UniqueFd out(bpf_map_create(BPF_MAP_TYPE_ARRAY, "out", 4, 128, 1, nullptr));
  REQUIRE(out.valid());
  TestKernel kernel;
  kernel.add_map("hash", BPF_MAP_TYPE_HASH, 8, 8, 2);
  kernel.add_map("out", BPF_MAP_TYPE_ARRAY, 4, 128, 1);

  Program program;
  int at = 0;
  program.load_map(Reg::R6, {"out", 0});
  const auto call = [&](std::uint32_t helper, std::int64_t key, std::int64_t flags) {
    program.store_immediate(Size::Double, Reg::R10, -8, key);
    program.store_immediate(Size::Double, Reg::R10, -16, key * 10);
    program.load_map(Reg::R1, {"hash"});
    program.move(Reg::R2, Reg::R10);
    program.alu(Alu::Add, Reg::R2, -8);
    program.move(Reg::R3, Reg::R10);
    program.alu(Alu::Add, Reg::R3, -16);
    program.load_immediate(Reg::R4, flags);
    program.call(helper);
    if (helper == BPF_FUNC_map_lookup_elem) {
      const Label absent = program.new_label();
      program.jump_if(Cond::Eq, Reg::R0, 0, absent);
      program.load(Size::Double, Reg::R0, Reg::R0, 0);
      program.place(absent);
    }
    program.store(Size::Double, Reg::R6, at, Reg::R0);
    at += 8;
  };
  call(BPF_FUNC_map_lookup_elem, 1, 0);
  call(BPF_FUNC_map_update_elem, 1, BPF_EXIST);
  call(BPF_FUNC_map_update_elem, 1, BPF_NOEXIST);
  call(BPF_FUNC_map_update_elem, 1, BPF_NOEXIST);
  call(BPF_FUNC_map_lookup_elem, 1, 0);
  call(BPF_FUNC_map_update_elem, 2, BPF_ANY);
  call(BPF_FUNC_map_update_elem, 3, BPF_ANY);
  call(BPF_FUNC_map_delete_elem, 2, 0);
  call(BPF_FUNC_map_delete_elem, 2, 0);
  call(BPF_FUNC_map_update_elem, 3, BPF_ANY);
  program.load_immediate(Reg::R0, 0);
  program.exit();

  const auto encoded = program.encode([&](const std::string& name) { return name == "hash" ? hash.get() : out.get(); });
  REQUIRE(encoded.has_value());
  const UniqueFd loaded(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "tpx_assembler", "GPL",
                                      encoded->instructions.data(), encoded->instructions.size(), nullptr));
  REQUIRE(loaded.valid());
  auto run = loader::default_options<bpf_test_run_opts>();
  REQUIRE(bpf_prog_test_run_opts(loaded.get(), &run) == 0);
  REQUIRE(interpret(program, kernel).has_value());
  Bytes real(128);
  const std::uint32_t key = 0;
  REQUIRE(bpf_map_lookup_elem(out.get(), &key, real.data()) == 0);
  const auto value = kernel.value("out");
  CHECK(real == Bytes(value.begin(), value.end()));
}

}  // namespace
}  // namespace tpx::test
