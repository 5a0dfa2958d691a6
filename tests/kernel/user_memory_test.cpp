// What system calls' pointers point to, read from the memory of the process: the element, member or text itself, `<fault>` for
// what is not there, and what can only be known at the end of the call.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/unique_fd.h"
#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

using schema::LostReason;
using Table = std::map<std::string, std::uint64_t>;

std::string own_thread() {
  return "tid == " + std::to_string(gettid());
}

std::vector<Force> both_attach_types() {
  return {{plan::AttachType::TpBtf, std::nullopt}, {plan::AttachType::Classic, std::nullopt}};
}

/// A private file in which text number `i` begins page 2 * i; each is mapped alone, so that the fault of one brings no other.
class ColdTexts {
 public:
  static constexpr std::size_t kPage = 4096;

  explicit ColdTexts(const std::vector<std::string>& texts) {
    std::string name = "/tmp/tpx-cold-XXXXXX";
    const UniqueFd file(::mkstemp(name.data()));
    REQUIRE(file.valid());
    ::unlink(name.c_str());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      REQUIRE(::pwrite(file.get(), texts[i].c_str(), texts[i].size() + 1, offset(i)) ==
              static_cast<ssize_t>(texts[i].size() + 1));
    }
    REQUIRE(::ftruncate(file.get(), offset(texts.size())) == 0);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      void* page = ::mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, file.get(), offset(i));
      REQUIRE(page != MAP_FAILED);
      pages_.push_back(static_cast<const char*>(page));
    }
  }
  ColdTexts(const ColdTexts&) = delete;
  ColdTexts& operator=(const ColdTexts&) = delete;
  ColdTexts(ColdTexts&&) = delete;
  ColdTexts& operator=(ColdTexts&&) = delete;
  ~ColdTexts() {
    for (const char* page : pages_) {
      ::munmap(const_cast<char*>(page), kPage);  // NOLINT(cppcoreguidelines-pro-type-const-cast): mmap's own pointer
    }
  }

  [[nodiscard]] const char* at(std::size_t i) const { return pages_[i]; }

 private:
  static off_t offset(std::size_t i) { return static_cast<off_t>(2 * i * kPage); }
  std::vector<const char*> pages_;
};

long open_path(const char* path) {
  return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

TEST_CASE("execve's arguments are the strings that the new program gets", "[kernel]") {
  for (const Force& way : both_attach_types()) {
    INFO(describe(way));
    Session session(
        "metrics:\n  - name: a_total\n    tracepoint: syscalls/sys_enter_execve\n    filter: ppid == " +
            std::to_string(getpid()) +
            "\n    labels: {name: 'str(args.argv[0])', first: 'str(args.argv[1], 7)', second: 'str(args.argv[2])', "
            "end: 'args.argv[3]', variable: 'str(args.envp[0])', letter: 'args.argv[1][2]'}\n",
        way);
    // On the heap, which a child has as its parent has it.
    std::vector<std::string> texts{"the program's name", "first of them", "", "A=b"};
    std::vector<char*> arguments{texts[0].data(), texts[1].data(), texts[2].data(), nullptr};
    std::vector<char*> environment{texts[3].data(), nullptr};
    const std::string path = "/bin/true";
    const pid_t child = fork();
    if (child == 0) {
      execve(path.c_str(), arguments.data(), environment.data());
      _exit(1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    CHECK(session.table("a_total") == Table{{"the program's name|first o||0|A=b|114", 1}});
    CHECK(session.lost("a_total", LostReason::ReadFault) == 0);
  }
}

TEST_CASE("elements have the width and sign of what they are", "[kernel]") {
  for (const Force& way : both_attach_types()) {
    INFO(describe(way));
    Session session(
        "metrics:\n  - name: pipe_total\n    tracepoint: syscalls/sys_enter_pipe2\n    filter: " + own_thread() +
            "\n    labels: {r: 'args.fildes[0]', w: 'args.fildes[1]'}\n"
            "  - name: write_total\n    tracepoint: syscalls/sys_enter_writev\n    filter: " +
            own_thread() +
            "\n    value: 'args.vec[1].iov_len'\n"
            "    labels: {text: 'str(args.vec[1].iov_base, 9)', first: args.vec->iov_len}\n"
            "  - name: pair_total\n"
            "    from: {tracepoint: syscalls/sys_enter_pipe2, key: tid, filter: " +
            own_thread() + "}\n    to: {tracepoint: syscalls/sys_exit_pipe2, key: tid}\n" +
            "    labels: {r: 'from.args.fildes[0]', w: 'from.args.fildes[1]', ret: args.ret}\n",
        way);
    std::array<int, 2> ends{-7, 41};
    REQUIRE(syscall(SYS_pipe2, ends.data(), O_CLOEXEC) == 0);
    const UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    std::string one = "one";
    std::string two = "another\n";
    const std::array<iovec, 2> pieces{iovec{one.data(), one.size()}, iovec{two.data(), two.size()}};
    REQUIRE(syscall(SYS_writev, write_end.get(), pieces.data(), pieces.size()) == 11);
    CHECK(session.table("pipe_total") == Table{{"-7|41", 1}});
    CHECK(session.table("write_total") == Table{{"another\n|3", 8}});
    // At the end of the call, what the kernel has written.
    const auto pair = session.table("pair_total");
    REQUIRE(pair.size() == 1);
    CHECK(pair.begin()->first == std::to_string(ends[0]) + "|" + std::to_string(ends[1]) + "|0");
  }
}

TEST_CASE("paths whose pages are not in memory yet: <fault> where the call begins, all of them where it ends",
          "[kernel]") {
  constexpr std::size_t kPaths = 50;
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < kPaths; ++i) {
      paths.push_back("/nowhere/tpx/" + std::to_string(i));
    }
    const ColdTexts cold(paths);
    const auto pair = [](const std::string& name, const std::string& key) {
      return "  - name: " + name + "\n    from: {tracepoint: syscalls/sys_enter_openat, key: " + key +
             ", filter: " + own_thread() + "}\n    to: {tracepoint: syscalls/sys_exit_openat, key: " + key +
             "}\n    type: histogram\n    buckets: [1]\n    labels: {path: str(from.args.filename)}\n";
    };
    Session session(
        "metrics:\n  - name: begun_total\n    tracepoint: syscalls/sys_enter_openat\n    filter: " + own_thread() +
            "\n    labels: {path: str(args.filename)}\n" + pair("ended", "tid") + pair("kept", "pid") +
            "  - name: same_total\n    tracepoint: syscalls/sys_enter_openat\n    filter: " + own_thread() +
            " && str(args.filename) == \"/nowhere/tpx/7\"\n",
        way);
    for (std::size_t i = 0; i < kPaths; ++i) {
      REQUIRE(open_path(cold.at(i)) == -1);
    }
    CHECK(session.table("begun_total") == Table{{"<fault>", kPaths}});
    CHECK(session.lost("begun_total", LostReason::ReadFault) == kPaths);
    CHECK(session.value("same_total") == 0);
    CHECK(session.lost("same_total", LostReason::ReadFault) == kPaths);
    std::vector<std::string> seen;
    for (const Row& row : session.rows("ended")) {
      CHECK(row.words.front() + row.words.at(1) == 1);
      seen.push_back(row.labels.at("path"));
    }
    std::sort(seen.begin(), seen.end());
    std::sort(paths.begin(), paths.end());
    CHECK(seen == paths);
    CHECK(session.lost("ended", LostReason::ReadFault) == 0);
    // Where nothing says that the end is in the same thread, the text is read at the start.
    REQUIRE(session.rows("kept").size() == 1);
    CHECK(session.rows("kept").front().labels.at("path") == "<fault>");
    CHECK(session.lost("kept", LostReason::ReadFault) == kPaths);
  }
}

TEST_CASE("no text at all is empty, an address of nothing is <fault>", "[kernel]") {
  for (const Force& way : both_attach_types()) {
    INFO(describe(way));
    Session session("metrics:\n  - name: a_total\n    tracepoint: syscalls/sys_enter_openat\n    filter: " +
                        own_thread() + "\n    labels: {path: str(args.filename), short: 'str(args.filename, 3)'}\n" +
                        "  - name: k_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " + own_calls() +
                        "\n    labels: {text: 'str(args.args[0])'}\n",
                    way);
    std::string path = "/nowhere";
    CHECK(open_path(path.c_str()) == -1);
    path.clear();
    CHECK(open_path(path.c_str()) == -1);
    CHECK(open_path(nullptr) == -1);
    CHECK(open_path(reinterpret_cast<const char*>(8)) == -1);  // NOLINT: the first page is never mapped
    call(0);
    call(8);
    call(0xffff'ffff'ffff'f000);  // of the kernel, where it maps nothing
    CHECK(session.table("a_total") == Table{{"/nowhere|/no", 1}, {"", 2}, {"<fault>|<fa", 1}});
    CHECK(session.lost("a_total", LostReason::ReadFault) == 2);
    CHECK(session.table("k_total") == Table{{"", 1}, {"<fault>", 2}});
    CHECK(session.lost("k_total", LostReason::ReadFault) == 2);
  }
}

/// The bytes of a socket address as a key holds them, in hexadecimal: the family, no port, the address.
std::string kept(std::uint16_t family, const std::string& address) {
  std::array<char, 5> head{};
  std::snprintf(head.data(), head.size(), "%02x%02x", family & 0xffU, family >> 8U);
  std::string text = head.data() + std::string(4, '0') + address;
  text.resize(std::size_t{2} * schema::kSocketAddressBytes, '0');
  return text;
}

TEST_CASE("ip() of a pointer to a socket address reads it: one series for all ports", "[kernel]") {
  for (const Force& way : both_attach_types()) {
    INFO(describe(way));
    Session session(
        "metrics:\n  - name: a_total\n    tracepoint: syscalls/sys_enter_bind\n    filter: " + own_thread() +
            "\n    labels: {address: ip(args.umyaddr)}\n" +
            "  - name: b_total\n    from: {tracepoint: syscalls/sys_enter_accept4, key: tid, filter: " + own_thread() +
            "}\n    to: {tracepoint: syscalls/sys_exit_accept4, key: tid}\n" +
            "    labels: {peer: ip(from.args.upeer_sockaddr)}\n",
        way);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}}) {
      four.sin_port = htons(port);
      syscall(SYS_bind, -1, &four, sizeof four);
    }
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(7);
    six.sin6_flowinfo = 99;
    six.sin6_scope_id = 3;
    six.sin6_addr = in6addr_loopback;
    syscall(SYS_bind, -1, &six, sizeof six);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    std::strcpy(local.sun_path, "/nowhere");
    syscall(SYS_bind, -1, &local, sizeof local);
    syscall(SYS_bind, -1, nullptr, 0);
    syscall(SYS_bind, -1, 8, sizeof four);
    CHECK(session.table("a_total") == Table{{kept(AF_INET, "7f000001"), 2},
                                            {kept(AF_INET6, std::string(8 + 30, '0') + "01"), 1},
                                            {kept(AF_UNIX, ""), 1},
                                            {kept(0, ""), 1},
                                            {kept(0xffff, ""), 1}});
    CHECK(session.lost("a_total", LostReason::ReadFault) == 1);

    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    four.sin_port = 0;
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&four), sizeof four) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    socklen_t size = sizeof four;
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&four), &size) == 0);
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&four), sizeof four) == 0);
    sockaddr_in peer{};
    size = sizeof peer;
    const UniqueFd accepted(static_cast<int>(syscall(SYS_accept4, listener.get(), &peer, &size, SOCK_CLOEXEC)));
    REQUIRE(accepted.valid());
    const auto peers = session.table("b_total");
    REQUIRE(peers.size() == 1);
    CHECK(peers.begin()->first == kept(AF_INET, "7f000001"));
  }
}

}  // namespace
}  // namespace tpx::test
