#include "support/test_kernel.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "catch.h"
#include "support/interpreter.h"

namespace tpx::test {
namespace {

using assembler::Program;
using assembler::Reg;
using assembler::Size;

constexpr std::uint64_t negative(int error) {
  return static_cast<std::uint64_t>(-std::int64_t{error});
}

std::uint64_t result_of(TestKernel& kernel, const std::function<void(Program&)>& build) {
  Program program;
  build(program);
  program.exit();
  const Result<std::uint64_t> result = interpret(program, kernel);
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
  return *result;
}

/// Calls with the map in R1 and addresses on the stack: a 4-byte key at -4 and an 8-byte value at -16.
std::uint64_t map_call(TestKernel& kernel, std::uint32_t helper, std::int64_t key, std::int64_t value,
                       std::int64_t flags) {
  return result_of(kernel, [&](Program& p) {
    p.store_immediate(Size::Word, Reg::R10, -4, key);
    p.store_immediate(Size::Double, Reg::R10, -16, value);
    p.load_map(Reg::R1, {"m"});
    p.move(Reg::R2, Reg::R10);
    p.alu(assembler::Alu::Add, Reg::R2, -4);
    p.move(Reg::R3, Reg::R10);
    p.alu(assembler::Alu::Add, Reg::R3, -16);
    p.load_immediate(Reg::R4, flags);
    p.call(helper);
  });
}

std::uint64_t first_word(std::uint64_t address) {
  std::uint64_t value = 0;
  std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}

TEST_CASE("hash maps answer as the kernel's", "[test_kernel]") {
  TestKernel kernel;
  TestMap& map = kernel.add_map("m", BPF_MAP_TYPE_HASH, 4, 8, 2);
  CHECK(map_call(kernel, BPF_FUNC_map_lookup_elem, 1, 0, 0) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 1, 11, BPF_EXIST) == negative(ENOENT));
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 1, 11, BPF_NOEXIST) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 1, 12, BPF_NOEXIST) == negative(EEXIST));
  CHECK(first_word(map_call(kernel, BPF_FUNC_map_lookup_elem, 1, 0, 0)) == 11);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 2, 21, BPF_ANY) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 3, 31, BPF_ANY) == negative(E2BIG));
  CHECK(map_call(kernel, BPF_FUNC_map_delete_elem, 2, 0, 0) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_delete_elem, 2, 0, 0) == negative(ENOENT));
  CHECK(map.entries.size() == 1);
}

TEST_CASE("per-CPU values are the CPU's own", "[test_kernel]") {
  TestKernel kernel(2);
  TestMap& map = kernel.add_map("m", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 2);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 1, 5, BPF_ANY) == 0);
  kernel.cpu = 1;
  CHECK(first_word(map_call(kernel, BPF_FUNC_map_lookup_elem, 1, 0, 0)) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 1, 7, BPF_ANY) == 0);
  REQUIRE(map.entries.size() == 1);
  CHECK(map.entries.begin()->second == std::vector<Bytes>{{5, 0, 0, 0, 0, 0, 0, 0}, {7, 0, 0, 0, 0, 0, 0, 0}});
}

TEST_CASE("arrays have all their elements and no others", "[test_kernel]") {
  TestKernel kernel;
  kernel.add_map("m", BPF_MAP_TYPE_ARRAY, 4, 8, 3);
  CHECK(map_call(kernel, BPF_FUNC_map_lookup_elem, 2, 0, 0) != 0);
  CHECK(map_call(kernel, BPF_FUNC_map_lookup_elem, 3, 0, 0) == 0);
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 3, 1, 0) == negative(E2BIG));
  CHECK(map_call(kernel, BPF_FUNC_map_update_elem, 2, 1, BPF_NOEXIST) == negative(EEXIST));
  CHECK(map_call(kernel, BPF_FUNC_map_delete_elem, 2, 0, 0) == negative(EINVAL));
}

TEST_CASE("a key that is not all initialised stops the program", "[test_kernel]") {
  TestKernel kernel;
  kernel.add_map("m", BPF_MAP_TYPE_HASH, 16, 8, 2);
  Program program;
  program.store_immediate(Size::Double, Reg::R10, -16, 1);
  program.store_immediate(Size::Word, Reg::R10, -8, 1);
  program.load_map(Reg::R1, {"m"});
  program.move(Reg::R2, Reg::R10);
  program.alu(assembler::Alu::Add, Reg::R2, -16);
  program.call(BPF_FUNC_map_lookup_elem);
  program.exit();
  const Result<std::uint64_t> result = interpret(program, kernel);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message ==
        "uninitialised read at instruction 5: call bpf_map_lookup_elem#1: 16 bytes at stack +496");
}

TEST_CASE("task storage is by task and made on demand", "[test_kernel]") {
  TestKernel kernel;
  TestMap& map = kernel.add_map("m", BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0);
  const auto get = [&](std::uint64_t task, std::int64_t flags) {
    kernel.current_task = task;
    return result_of(kernel, [&](Program& p) {
      p.call(BPF_FUNC_get_current_task_btf);
      p.load_map(Reg::R1, {"m"});
      p.move(Reg::R2, Reg::R0);
      p.load_immediate(Reg::R3, 0);
      p.load_immediate(Reg::R4, flags);
      p.call(BPF_FUNC_task_storage_get);
    });
  };
  CHECK(get(0x1000, 0) == 0);
  const std::uint64_t made = get(0x1000, BPF_LOCAL_STORAGE_GET_F_CREATE);
  CHECK(made != 0);
  CHECK(get(0x1000, 0) == made);
  CHECK(get(0x2000, BPF_LOCAL_STORAGE_GET_F_CREATE) != made);
  CHECK(map.entries.size() == 2);
}

TEST_CASE("state helpers answer what the test set", "[test_kernel]") {
  TestKernel kernel(4);
  kernel.cpu = 3;
  kernel.ktime_ns = 1'000'000'007;
  kernel.pid_tgid = 0x0000'0065'0000'0066;
  kernel.uid_gid = 0x0000'0003'0000'0002;
  kernel.cgroup_id = 99;
  kernel.random = 4'000'000'000;
  const auto call = [&](std::uint32_t helper) { return result_of(kernel, [&](Program& p) { p.call(helper); }); };
  CHECK(call(BPF_FUNC_get_smp_processor_id) == 3);
  CHECK(call(BPF_FUNC_ktime_get_ns) == 1'000'000'007);
  CHECK(call(BPF_FUNC_get_current_pid_tgid) == 0x0000'0065'0000'0066);
  CHECK(call(BPF_FUNC_get_current_uid_gid) == 0x0000'0003'0000'0002);
  CHECK(call(BPF_FUNC_get_current_cgroup_id) == 99);
  CHECK(call(BPF_FUNC_get_prandom_u32) == 4'000'000'000);
}

/// A call of helper(stack - 16, size, `source`), then the 16 bytes, which were 0xff before.
struct ReadResult {
  std::uint64_t answer;
  std::string bytes;
};
ReadResult read_call(TestKernel& kernel, std::uint32_t helper, std::int64_t size, std::uint64_t source) {
  TestMap& out = kernel.add_map("out" + std::to_string(helper), BPF_MAP_TYPE_ARRAY, 4, 16, 1);
  const std::uint64_t answer = result_of(kernel, [&](Program& p) {
    p.load_map(Reg::R1, {out.name, 0});
    p.store_immediate(Size::Double, Reg::R1, 0, -1);
    p.store_immediate(Size::Double, Reg::R1, 8, -1);
    p.load_immediate(Reg::R2, size);
    p.load_immediate(Reg::R3, static_cast<std::int64_t>(source));
    p.call(helper);
  });
  const auto value = kernel.value(out.name);
  return {answer, std::string(value.begin(), value.end())};
}

std::string padded(std::string text) {
  text.resize(16, '\xff');
  return text;
}

TEST_CASE("the command name is cut and padded", "[test_kernel]") {
  TestKernel kernel;
  kernel.comm = "kworker/0:1";
  CHECK(read_call(kernel, BPF_FUNC_get_current_comm, 16, 0).bytes == std::string("kworker/0:1\0\0\0\0\0", 16));
  TestKernel other;
  other.comm = "kworker/0:1";
  CHECK(read_call(other, BPF_FUNC_get_current_comm, 8, 0).bytes == padded(std::string("kworker\0", 8)));
}

TEST_CASE("reads of memory keep kernel and user apart and zero what they can't read", "[test_kernel]") {
  TestKernel kernel;
  const Bytes bytes = {'o', 'p', 'e', 'n', 0, 'x', 'y', 'z'};
  const Bytes copy = bytes;
  const std::uint64_t in_kernel = kernel.memory.add("name", bytes);
  const std::uint64_t in_user = kernel.memory.add("path", copy, Space::User);
  const std::string whole = padded(std::string("open\0xyz", 8));
  const std::string zero = padded(std::string(8, '\0'));
  CHECK(read_call(kernel, BPF_FUNC_probe_read_kernel, 8, in_kernel).bytes == whole);
  const ReadResult user = read_call(kernel, BPF_FUNC_probe_read_user, 8, in_user);
  CHECK(user.answer == 0);
  CHECK(user.bytes == whole);

  TestKernel wrong;
  wrong.memory.add("name", bytes);
  wrong.memory.add("path", copy, Space::User);
  const ReadResult kernel_of_user = read_call(wrong, BPF_FUNC_probe_read_kernel, 8, in_user);
  CHECK(kernel_of_user.answer == negative(ERANGE));
  CHECK(kernel_of_user.bytes == zero);
  CHECK(read_call(wrong, BPF_FUNC_probe_read_user, 8, in_kernel).answer == negative(EFAULT));
  CHECK(read_call(wrong, BPF_FUNC_probe_read, 8, in_user).answer == 0);

  const ReadResult string = read_call(kernel, BPF_FUNC_probe_read_user_str, 8, in_user);
  CHECK(string.answer == 5);
  CHECK(string.bytes == padded(std::string("open\0", 5)));
  const ReadResult cut = read_call(kernel, BPF_FUNC_probe_read_kernel_str, 3, in_kernel);
  CHECK(cut.answer == 3);
  CHECK(cut.bytes == padded(std::string("op\0", 3)));
  const ReadResult bad = read_call(kernel, BPF_FUNC_probe_read_str, 8, 0);
  CHECK(bad.answer == negative(EFAULT));
  CHECK(read_call(wrong, BPF_FUNC_probe_read_kernel_str, 8, 0x10000).answer == negative(EFAULT));
  CHECK(bad.bytes == zero);
}

TEST_CASE("a ring buffer takes records until it is full", "[test_kernel]") {
  TestKernel kernel;
  TestMap& ring = kernel.add_map("ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 64);
  const auto send = [&](bool submit) {
    return result_of(kernel, [&](Program& p) {
      const assembler::Label full = p.new_label();
      p.load_map(Reg::R1, {"ring"});
      p.load_immediate(Reg::R2, 16);
      p.load_immediate(Reg::R3, 0);
      p.call(BPF_FUNC_ringbuf_reserve);
      p.jump_if(assembler::Cond::Eq, Reg::R0, 0, full);
      p.store_immediate(Size::Double, Reg::R0, 0, 258);
      p.move(Reg::R1, Reg::R0);
      p.load_immediate(Reg::R2, 0);
      p.call(submit ? BPF_FUNC_ringbuf_submit : BPF_FUNC_ringbuf_discard);
      p.load_immediate(Reg::R0, 1);
      p.place(full);
    });
  };
  CHECK(send(false) == 1);
  CHECK(ring.records.empty());
  CHECK(send(true) == 1);
  CHECK(send(true) == 1);
  CHECK(send(true) == 0);
  REQUIRE(ring.records.size() == 2);
  CHECK(ring.records[0] == Bytes{2, 1, 0, 0, 0, 0, 0, 0, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd, 0xcd});
  const auto output = [&] {
    return result_of(kernel, [&](Program& p) {
      p.store_immediate(Size::Double, Reg::R10, -8, 7);
      p.load_map(Reg::R1, {"ring"});
      p.move(Reg::R2, Reg::R10);
      p.alu(assembler::Alu::Add, Reg::R2, -8);
      p.load_immediate(Reg::R3, 8);
      p.load_immediate(Reg::R4, 0);
      p.call(BPF_FUNC_ringbuf_output);
    });
  };
  CHECK(output() == negative(EAGAIN));
  ring.records.clear();
  CHECK(output() == 0);
  CHECK(ring.records == std::vector<Bytes>{{7, 0, 0, 0, 0, 0, 0, 0}});
}

}  // namespace
}  // namespace tpx::test
