#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tpx::decode {

/// Turns the bytes of a key into the texts of its labels. Used by one thread at a time. Never throws but bad_alloc.
class LabelSource {
 public:
  virtual ~LabelSource() = default;
  /// Sets `texts` to one text per label, in the order of plan::KeyLayout::fields: valid UTF-8, not escaped.
  /// False: the series is to be left out, and `texts` means nothing.
  [[nodiscard]] virtual bool decode(std::span<const std::byte> key, std::vector<std::string>& texts) = 0;
  /// False when equal keys may decode to other texts in a later scrape.
  [[nodiscard]] virtual bool stable() const = 0;
  /// Of a source that is not stable: as long as it is the same, so is the text of every key decoded so far. None: unknown,
  /// every key must be decoded again.
  [[nodiscard]] virtual std::optional<std::uint64_t> generation() const { return std::nullopt; }
};

}  // namespace tpx::decode
