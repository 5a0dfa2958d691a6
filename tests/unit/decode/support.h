#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "decode/decoder.h"
#include "decode/plain.h"

namespace tpx::decode::test {

/// A directory of its own, removed at the end.
class Tree {
 public:
  Tree() {
    std::string name = (std::filesystem::temp_directory_path() / "tpx-decode-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    root_ = name;
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& below = "") const { return root_ + below; }
  void directory(const std::string& below) const { std::filesystem::create_directories(root_ + below); }
  void file(const std::string& below, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + below).parent_path());
    std::ofstream(root_ + below, std::ios::binary | std::ios::trunc) << text;
  }
  void remove(const std::string& below) const { std::filesystem::remove_all(root_ + below); }

  /// Everything looked up in this tree: /proc, /sys, /etc, /sys/fs/cgroup and /var/log below it.
  [[nodiscard]] Environment environment() const {
    Environment environment;
    environment.procfs = root_ + "/proc";
    environment.sysfs = root_ + "/sys";
    environment.etc = root_ + "/etc";
    environment.cgroupfs = root_ + "/sys/fs/cgroup";
    environment.var_log = root_ + "/var/log";
    return environment;
  }

 private:
  std::string root_;
};

inline schema::ValueType unsigned_type(std::uint32_t size) {
  return {schema::ValueType::Kind::Integer, size, false};
}
inline schema::ValueType signed_type(std::uint32_t size) {
  return {schema::ValueType::Kind::Integer, size, true};
}

inline Input integer(std::uint64_t value, std::uint32_t size = 8) {
  return {unsigned_type(size), value, {}, {}};
}
inline Input negative(std::int64_t value, std::uint32_t size = 8) {
  return {signed_type(size), static_cast<std::uint64_t>(value), {}, {}};
}
inline Input bytes(const std::vector<unsigned char>& value) {
  return {{schema::ValueType::Kind::Bytes, static_cast<std::uint32_t>(value.size()), false},
          0,
          std::as_bytes(std::span(value)),
          {}};
}

/// The decoder of that name, from the table.
inline std::unique_ptr<Decoder> make(schema::DecoderCall call, const Environment& environment = {}) {
  for (const Entry& entry : table()) {
    if (entry.signature.name == call.name) {
      return entry.make(call, environment);
    }
  }
  throw std::runtime_error("no decoder " + call.name);
}
inline std::unique_ptr<Decoder> make(const std::string& name, const Environment& environment = {}) {
  schema::DecoderCall call;
  call.name = name;
  return make(call, environment);
}

/// The inode number of a directory, which is what the decoders take for a cgroup's id.
std::uint64_t inode(const std::string& path);

}  // namespace tpx::decode::test
