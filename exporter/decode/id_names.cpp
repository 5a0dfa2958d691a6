#include "decode/id_names.h"

#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace tpx::decode {

std::optional<std::string> IdNames::find(std::uint64_t id) {
  if (!checked_) {
    check();
    checked_ = true;
  }
  const auto found = names_.find(id);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

void IdNames::check() {
  const FileStamp now = stamp_of(path_);
  if (stamp_ != now) {
    load();
    stamp_ = now;
  }
}

void IdNames::load() {
  names_.clear();
  const auto text = read_file(path_);
  if (!text) {
    return;
  }
  for (const std::string_view line : split(*text, '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() < 3 || parts[0].empty()) {
      continue;
    }
    std::uint32_t id = 0;
    const char* end = parts[2].data() + parts[2].size();
    const auto parsed = std::from_chars(parts[2].data(), end, id);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      names_.emplace(id, to_utf8(parts[0]));
    }
  }
}

}  // namespace tpx::decode
