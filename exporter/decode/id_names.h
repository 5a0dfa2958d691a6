#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/file.h"

namespace tpx::decode {

/// The names of numeric ids in a file of the form of passwd(5) and group(5): `name:password:id:…`. Read on first use, again
/// when the file has changed. Used by one thread at a time.
///
/// The file itself, not NSS: NSS may ask a network for every id, loads other people's libraries into a privileged process,
/// and in a container answers for the container and not for the host whose /etc is mounted.
class IdNames {
 public:
  explicit IdNames(std::string path) : path_(std::move(path)) {}

  /// The first name that the file gives `id`, as valid UTF-8.
  [[nodiscard]] std::optional<std::string> find(std::uint64_t id);

  /// Looks at the file again on the next find().
  void refresh() { checked_ = false; }

 private:
  void check();
  void load();

  std::string path_;
  std::unordered_map<std::uint64_t, std::string> names_;
  FileStamp stamp_;
  bool checked_ = false;
};

}  // namespace tpx::decode
