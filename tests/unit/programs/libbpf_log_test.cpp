#include "loader/libbpf_log.h"

#include "catch.h"

using namespace tpx::loader;

namespace {

constexpr const char* kRefused = R"(libbpf: prog 'f': BPF program load failed: Permission denied
libbpf: prog 'f': -- BEGIN PROG LOAD LOG --
reg type unsupported for arg#0 function f#12
0: R1=ctx(off=0,imm=0) R10=fp0
; *value += 1;
5: (79) r1 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 6 insns (limit 1000000) max_states_per_insn 0
-- END PROG LOAD LOG --
libbpf: prog 'f': failed to load: -13
libbpf: failed to load object 'a'
)";

}  // namespace

TEST_CASE("the reason is the verifier's last word") {
  CHECK(reason_in(kRefused) == "R0 invalid mem access 'map_value_or_null'");
  CHECK(refused_program(kRefused) == "f");
}

TEST_CASE("without a verifier's log the reason is the first message") {
  const std::string log = "libbpf: prog 'g': failed to find kernel BTF type ID of 'x': -3\nlibbpf: failed to load\n";
  CHECK(reason_in(log) == "prog 'g': failed to find kernel BTF type ID of 'x': -3");
  CHECK(refused_program(log) == "g");
  CHECK(reason_in("").empty());
  CHECK(refused_program("libbpf: elf: failed\n").empty());
}

TEST_CASE("a map that is created again is not the reason") {
  const std::string warning = "libbpf: Error in bpf_create_map_xattr(m):-EINVAL(-22). Retrying without BTF.\n";
  CHECK(reason_in(warning + "libbpf: prog 'f': BPF program load failed: Operation not permitted\n") ==
        "prog 'f': BPF program load failed: Operation not permitted");
  CHECK(reason_in(warning + kRefused) == "R0 invalid mem access 'map_value_or_null'");
  CHECK(reason_in(warning).empty());
}

TEST_CASE("an extern that the kernel lacks is named") {
  CHECK(missing_extern("libbpf: extern (func ksym) 'bpf_x': not found in kernel or module BTFs\n") == "bpf_x");
  CHECK(missing_extern("libbpf: extern (var ksym) 'runq': not found in kernel BTF\n") == "runq");
  CHECK(missing_extern("libbpf: extern 'init' (strong): not resolved\n") == "init");
  CHECK(missing_extern(kRefused).empty());
}
