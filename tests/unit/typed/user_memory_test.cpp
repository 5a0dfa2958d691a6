// What a system call's pointer points to: its declaration taken apart, and chains over it bound on recorded kernels.

#include "typed/user_memory.h"

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"

namespace tpx::test {
namespace {

using typed::AddressOf;
using Kind = schema::ValueType::Kind;

kernel::Kernel recorded(std::string_view release) {
  const int minor = release == "5.10" ? 10 : release == "6.1" ? 1 : 12;
  auto kernel = kernel::recorded_kernel(recorded_directory(std::string(release)),
                                        kernel::features_of_release(release == "5.10" ? 5 : 6, minor));
  REQUIRE(kernel.has_value());
  return *kernel;
}

/// Plans one metric on `event` with one label. Its type, or the error.
Result<schema::ValueType> label_type(const kernel::Kernel& kernel, const std::string& event, const std::string& label,
                                     plan::AttachType attach = plan::AttachType::TpBtf) {
  const config::Loaded loaded = config::parse(
      "a.yaml", "metrics:\n  - name: a_total\n    tracepoint: " + event + "\n    labels: {x: '" + label + "'}\n");
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  options.force_attach = attach;
  plan::Plan plan = plan::make_plan(loaded.config, kernel, options);
  if (!plan.rejected.empty()) {
    return fail(std::move(plan.rejected.front().error));
  }
  return plan.metrics.front().plan.key.fields.front().type;
}

std::string message_of(const Result<schema::ValueType>& result) {
  if (result) {
    return "(no error)";
  }
  // In the third line, behind `    labels: {x: '`.
  CHECK(result.error().location);
  CHECK((result.error().location && result.error().location->line == 4 && result.error().location->column >= 17));
  const std::string& text = result.error().message;
  return text.substr(text.find(": ") + 2) + "; " + result.error().hint;
}

TEST_CASE("a declared type is taken apart") {
  struct Case {
    const char* declared;
    unsigned pointers;
    std::uint32_t size;
    bool is_signed;
    AddressOf address;
  };
  for (const Case& c :
       {Case{"const char *const *", 2, 1, std::is_signed_v<char>, AddressOf::Pointers},
        Case{"const char __user *const __user *", 2, 1, std::is_signed_v<char>, AddressOf::Pointers},
        Case{"int *", 1, 4, true, AddressOf::User}, Case{"int __user *", 1, 4, true, AddressOf::User},
        Case{"unsigned *", 1, 4, false, AddressOf::User}, Case{"unsigned long *", 1, 8, false, AddressOf::User},
        Case{"loff_t *", 1, 8, true, AddressOf::User}, Case{"gid_t *", 1, 4, false, AddressOf::User},
        Case{"const void * *", 2, 0, false, AddressOf::Pointers},
        Case{"const void *const", 1, 0, false, AddressOf::User}, Case{"int", 0, 4, true, AddressOf::Nothing}}) {
    INFO(c.declared);
    const auto type = typed::user_type(c.declared, nullptr);
    REQUIRE(type.has_value());
    CHECK(type->pointers == c.pointers);
    CHECK(type->base.size == c.size);
    CHECK(type->base.is_signed == c.is_signed);
    CHECK(typed::user_address_of(*type) == c.address);
  }
  CHECK_FALSE(typed::user_type("sigset_t *", nullptr).has_value());
  const kernel::Kernel kernel = recorded("6.1");
  CHECK(typed::user_type("struct iovec *", &*kernel.btf)->base.size == 16);
  CHECK(typed::user_type("union bpf_attr *", &*kernel.btf)->base.kind == kernel::Btf::Kind::Struct);
  CHECK(typed::user_type("sigset_t *", &*kernel.btf)->base.size == 8);
  // A typedef of a pointer.
  CHECK(typed::user_type("cap_user_header_t", &*kernel.btf)->pointers == 1);
  CHECK(typed::user_address_of(*typed::user_type("struct sockaddr *", nullptr)) == AddressOf::SocketAddress);
}

TEST_CASE("elements and members behind a system call's pointer have their own type on every recorded kernel") {
  for (const std::string_view release : kRecordedReleases) {
    const kernel::Kernel kernel = recorded(release);
    for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
      if (attach == plan::AttachType::TpBtf && !kernel.features.current_task_btf) {
        continue;  // 5.10 serves system calls by their own events alone
      }
      INFO(release << ", " << plan::name(attach));
      const auto type = [&](const std::string& event, const std::string& label) {
        auto found = label_type(kernel, "syscalls/sys_enter_" + event, label, attach);
        INFO(event << " " << label << ": " << (found ? "" : found.error().message));
        REQUIRE(found.has_value());
        return *found;
      };
      const schema::ValueType address{Kind::Integer, 8, false};
      CHECK(type("execve", "args.argv[1]") == address);
      CHECK(type("execve", "hex(args.argv[1])") == address);
      CHECK(type("execve", "str(args.argv[0])") == schema::ValueType{Kind::String, 72, false});
      CHECK(type("execve", "args.argv[0][1]") == schema::ValueType{Kind::Integer, 1, std::is_signed_v<char>});
      CHECK(type("pipe2", "args.fildes[1]") == schema::ValueType{Kind::Integer, 4, true});
      CHECK(type("setgroups", "args.grouplist[3]") == schema::ValueType{Kind::Integer, 4, false});
      CHECK(type("sendfile64", "args.offset[0]") == schema::ValueType{Kind::Integer, 8, true});
      CHECK(type("mbind", "args.nmask[1]") == schema::ValueType{Kind::Integer, 8, false});
      CHECK(type("writev", "args.vec[2].iov_len") == schema::ValueType{Kind::Integer, 8, false});
      CHECK(type("writev", "args.vec->iov_base") == address);
      CHECK(type("connect", "args.uservaddr->sa_family") == schema::ValueType{Kind::Integer, 2, false});
      CHECK(type("connect", "args.uservaddr->sa_data[3]").size == 1);
      CHECK(type("connect", "ip(args.uservaddr)") == schema::ValueType{Kind::Bytes, 28, false});
      CHECK(type("sendto", "ip(args.addr)") == schema::ValueType{Kind::Bytes, 28, false});
      CHECK(type("nanosleep", "args.rqtp->tv_nsec") == schema::ValueType{Kind::Integer, 8, true});
    }
  }
}

TEST_CASE("[0] of every system call's argument binds or says what it is, with its place, on every recorded kernel") {
  for (const std::string_view release : kRecordedReleases) {
    const kernel::Kernel kernel = recorded(release);
    const auto events = kernel.tracefs.match("syscalls/sys_enter_*");
    REQUIRE(events.has_value());
    REQUIRE(events->size() > 200);
    std::size_t bound = 0;
    std::size_t refused = 0;
    for (const std::string& event : *events) {
      const auto format = kernel.tracefs.format("syscalls", event.substr(event.find('/') + 1));
      REQUIRE(format.has_value());
      for (const kernel::Field& field : format->fields) {
        INFO(release << " " << event << " " << field.type << " " << field.name);
        const auto found = label_type(kernel, event, "args." + field.name + "[0]", plan::AttachType::Classic);
        const bool points = field.type.find('*') != std::string::npos || field.type.ends_with("_header_t") ||
                            field.type.ends_with("cap_user_data_t");
        if (found) {
          CHECK(points);
          CHECK(found->kind == Kind::Integer);
          ++bound;
        } else {
          const std::string message = message_of(found);
          const bool composite =
              message.find("this is a struct") == 0 || message.find("whose elements have no") != std::string::npos;
          const bool plain = message.find("which has no elements") != std::string::npos;
          INFO(message);
          CHECK((points ? composite : plain));
          ++refused;
        }
      }
    }
    CHECK(bound > 150);
    CHECK(refused > 500);
  }
}

TEST_CASE("what a chain over a system call's argument can't be is an error with its place") {
  const kernel::Kernel kernel = recorded("6.1");
  const auto error = [&](const std::string& event, const std::string& label) {
    return message_of(label_type(kernel, "syscalls/" + event, label));
  };
  CHECK(
      error("sys_enter_openat", "args.dfd[0]") ==
      R"("args.dfd" of syscalls/sys_enter_openat is int, which has no elements and no members; write args.dfd alone)");
  CHECK(error("sys_exit_openat", "args.ret[0]").starts_with(R"("args.ret" of syscalls/sys_exit_openat is long)"));
  CHECK(error("sys_enter_nanosleep", "args.rqtp[0]").starts_with("this is a struct __kernel_timespec, not a value"));
  CHECK(error("sys_enter_connect", "args.uservaddr->family") ==
        R"(struct sockaddr has no member "family"; did you mean "sa_family"?)");
  CHECK(error("sys_enter_connect", "args.uservaddr.sa_family").ends_with("write ->sa_family"));
  CHECK(error("sys_enter_execve", "str(args.argv)") ==
        R"("args.argv" points to pointers, not to text; write str(args.argv[0]))");
  CHECK(error("sys_enter_execve", "args.argv[cpu]").starts_with("an element's number must be a constant"));
  CHECK(error("sys_enter_execve", "args.argw[0]").ends_with(R"(did you mean "argv"?)"));
}

TEST_CASE("decoders that can't mean an address refuse one, whatever it is declared as") {
  const kernel::Kernel kernel = recorded("6.1");
  struct Pointer {
    const char* event;
    const char* expression;
    AddressOf address;
  };
  const Pointer pointers[] = {{"syscalls/sys_enter_openat", "args.filename", AddressOf::User},
                              {"syscalls/sys_enter_read", "args.buf", AddressOf::User},
                              {"syscalls/sys_enter_mount", "args.data", AddressOf::User},
                              {"syscalls/sys_enter_execve", "args.argv", AddressOf::Pointers},
                              {"syscalls/sys_enter_execve", "args.argv[0]", AddressOf::User},
                              {"syscalls/sys_enter_connect", "args.uservaddr", AddressOf::SocketAddress},
                              {"net/netif_receive_skb", "args.skbaddr", AddressOf::Kernel},
                              {"timer/timer_expire_entry", "args.function", AddressOf::Kernel}};
  for (const Pointer& pointer : pointers) {
    for (const schema::DecoderSignature& decoder : decode::signatures()) {
      if (decoder.input == schema::DecoderInput::String || decoder.extra == schema::DecoderExtra::Field) {
        continue;  // takes no number at all; or asks the tracepoint for names
      }
      const std::string name(decoder.name);
      std::string label = name + "(" + pointer.expression;
      label += decoder.extra == schema::DecoderExtra::Names     ? ", 0=\"null\")"
               : decoder.extra == schema::DecoderExtra::Pattern ? ", \"1\")"
                                                                : ")";
      INFO(pointer.event << " " << label);
      const bool means = name == "hex" || name == "map" || name == "match" ||
                         (name == "ksym" && pointer.address == AddressOf::Kernel) ||
                         (name == "ip" && pointer.address == AddressOf::SocketAddress);
      const auto found = label_type(kernel, pointer.event, label, plan::AttachType::Classic);
      if (means) {
        CHECK(found.has_value());
      } else {
        CHECK(message_of(found).starts_with(name + "() cannot be applied to \"" + pointer.expression +
                                            "\", which is the address of something in "));
      }
    }
  }
}

}  // namespace
}  // namespace tpx::test
