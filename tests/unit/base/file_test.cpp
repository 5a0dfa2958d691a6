#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "catch.h"

using namespace tpx;

namespace {

struct TemporaryFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("tpx_file_test." + std::to_string(::getpid()));
  explicit TemporaryFile(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("read_file reads all bytes, up to the limit") {
  const std::string text = std::string(200'000, 'x') + '\0' + "end\n";
  const TemporaryFile file(text);
  CHECK(read_file(file.path).value() == text);
  CHECK(read_file(file.path, text.size()).value() == text);
  const auto over = read_file(file.path, text.size() - 1);
  REQUIRE_FALSE(over);
  CHECK(over.error().os_error == EFBIG);
  CHECK(over.error().message.find("more than 200004 bytes") != std::string::npos);
}

TEST_CASE("read_file reads files whose size is 0") {
  const auto status = read_file("/proc/self/status");
  REQUIRE(status);
  CHECK(status->find("Pid:") != std::string::npos);
}

TEST_CASE("read_file says why it could not") {
  const auto missing = read_file("/nonexistent/file");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().os_error == ENOENT);
  CHECK(missing.error().message == "/nonexistent/file: No such file or directory");
  const auto directory = read_file("/");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().os_error == EISDIR);
}

TEST_CASE("a file that could make its reader wait is not opened for reading") {
  const std::string path = std::filesystem::temp_directory_path() / ("tpx_fifo_test." + std::to_string(::getpid()));
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto fifo = read_file(path);
  const auto checked = check_regular_file(path);
  std::filesystem::remove(path);
  REQUIRE_FALSE(fifo);
  CHECK(fifo.error().message == path + ": not a regular file");
  CHECK_FALSE(checked);
  CHECK_FALSE(read_file("/dev/zero"));
  CHECK(check_regular_file("/proc/self/status"));
}
