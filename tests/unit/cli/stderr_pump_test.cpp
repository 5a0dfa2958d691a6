#include "cli/stderr_pump.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "catch.h"
#include "unit/cli/in_child.h"

using namespace tpx;
using namespace tpx::cli;
using tpx::test::InChild;

namespace {

constexpr int kFailed = 1;

std::string line(int number) {
  return "line " + std::to_string(number) + "\n";
}

bool write_line(const std::string& text) {
  return ::write(STDERR_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

TEST_CASE("what is written to standard error arrives, in order") {
  constexpr int kLines = 5000;
  InChild child([] {
    const auto pump = StderrPump::start();
    if (!pump || *pump == nullptr) {
      return kFailed;
    }
    for (int i = 0; i < kLines; ++i) {
      if (!write_line(line(i))) {
        return kFailed;
      }
    }
    return 0;
  });
  std::string expected;
  for (int i = 0; i < kLines; ++i) {
    expected += line(i);
  }
  CHECK(child.errors() == expected);
  CHECK(child.exit_code() == 0);
}

TEST_CASE("a standard error that nobody reads blocks neither writers nor the end") {
  InChild child([] {
    const auto pump = StderrPump::start();
    if (!pump || *pump == nullptr) {
      return kFailed;
    }
    const std::string piece(4096, 'x');
    for (int i = 0; i < 4096; ++i) {  // 16 MiB: more than both pipes hold
      if (::write(STDERR_FILENO, piece.data(), piece.size()) < 0) {
        return errno == EAGAIN ? 0 : kFailed;
      }
    }
    return kFailed;
  });
  CHECK(child.exit_code() == 0);
}

TEST_CASE("a standard error that is closed by its reader ends nothing") {
  InChild child([] {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) {
      return kFailed;
    }
    ::close(ends[0]);
    ::close(ends[1]);
    const auto pump = StderrPump::start();
    for (int i = 0; i < 100000; ++i) {
      while (!write_line(line(i))) {
        if (errno != EAGAIN) {  // full for a moment: it is still emptied
          return kFailed;
        }
      }
    }
    return pump && *pump != nullptr ? 0 : kFailed;
  });
  CHECK(child.exit_code() == 0);
}

TEST_CASE("a standard error that is a file is written to directly") {
  char name[] = "/tmp/tpx_stderr_XXXXXX";
  const UniqueFd file(::mkstemp(name));
  REQUIRE(file.valid());
  ::unlink(name);
  InChild child([&] {
    ::dup2(file.get(), STDERR_FILENO);
    const auto pump = StderrPump::start();
    return pump && *pump == nullptr && write_line("direct\n") ? 0 : kFailed;
  });
  CHECK(child.exit_code() == 0);
  char text[16] = {};
  CHECK(::pread(file.get(), text, sizeof(text) - 1, 0) == 7);
  CHECK(std::string(text) == "direct\n");
}
