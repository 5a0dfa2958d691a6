#include "loader/kept_text.h"

#include <algorithm>
#include <cstring>

#include "base/fields.h"

namespace tpx::loader {

namespace {

constexpr std::uint64_t kSize = 8;
constexpr std::uint64_t kChecksum = 16;
constexpr std::uint64_t kText = 24;

}  // namespace

KeptText::KeptText(Region region) : region_(std::move(region)) {
  number_ = std::max(region_.load(0), region_.load(half()));
}

std::string_view KeptText::text_in(std::uint64_t offset) const {
  const std::uint64_t size = region_.load(offset + kSize);
  if (region_.load(offset) == 0 || size > half() - kText) {
    return {};
  }
  const std::string_view text(reinterpret_cast<const char*>(region_.data() + offset + kText), size);
  return checksum(text) == region_.load(offset + kChecksum) ? text : std::string_view();
}

std::string KeptText::load() const {
  const bool second = region_.load(half()) > region_.load(0);
  return std::string(text_in(second ? half() : 0));
}

void KeptText::store(std::string_view text) {
  if (text.size() > half() - kText) {
    text = {};
  }
  const std::uint64_t offset = ++number_ % 2 == 0 ? 0 : half();
  region_.store(offset, 0);
  region_.store(offset + kSize, text.size());
  region_.store(offset + kChecksum, checksum(text));
  std::memcpy(region_.data() + offset + kText, text.data(), text.size());
  region_.store(offset, number_);
}

}  // namespace tpx::loader
