#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "loader/region.h"

namespace tpx::loader {

/// A text in a mmapable array that outlives the process when the array is pinned. It is replaced as a whole: whenever the
/// process is killed, the text of before or the new one is there. Two halves, which are written in turn:
///   u64 number (0: invalid), u64 bytes, u64 checksum, text
/// One thread at a time.
class KeptText {
 public:
  static constexpr std::uint64_t kBytes = 256U << 10U;  ///< of the array: the longest text has half of that, without 24

  explicit KeptText(Region region);
  /// "" when there is none, or only what this class did not write.
  [[nodiscard]] std::string load() const;
  /// A text that is too long makes load() return "".
  void store(std::string_view text);
  [[nodiscard]] int descriptor() const { return region_.descriptor(); }

 private:
  [[nodiscard]] std::uint64_t half() const { return region_.size() / 2; }
  [[nodiscard]] std::string_view text_in(std::uint64_t offset) const;

  Region region_;
  std::uint64_t number_ = 0;
};

}  // namespace tpx::loader
