#include "support/memory.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

namespace tpx::test {

namespace {

/// An address this near a region is named by it in messages.
constexpr std::uint64_t kNear = 4096;

std::uint8_t* pointer_to(std::uint64_t address) {
  return reinterpret_cast<std::uint8_t*>(address);
}

}  // namespace

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

std::uint64_t Memory::add(std::string name, std::span<const std::uint8_t> bytes, Space space) {
  return add({.name = std::move(name), .base = address_of(bytes.data()), .size = bytes.size(), .space = space});
}

std::uint64_t Memory::add(Region region) {
  const std::uint64_t base = region.base;
  regions_.insert_or_assign(base, std::move(region));
  return base;
}

void Memory::remove(std::uint64_t base) {
  regions_.erase(base);
}

Region* Memory::find(std::uint64_t address, std::size_t size) {
  auto after = regions_.upper_bound(address);
  if (after == regions_.begin()) {
    return nullptr;
  }
  Region& region = std::prev(after)->second;
  const std::uint64_t offset = address - region.base;
  return offset <= region.size && size <= region.size - offset ? &region : nullptr;
}

std::string Memory::describe(std::uint64_t address, std::size_t size) const {
  std::string text = std::to_string(size) + " bytes at ";
  const auto after = regions_.upper_bound(address);
  if (after != regions_.begin()) {
    const Region& region = std::prev(after)->second;
    if (address - region.base < region.size + kNear) {
      return text + region.name + " +" + std::to_string(address - region.base);
    }
  }
  if (after != regions_.end() && after->first - address < kNear) {
    return text + after->second.name + " -" + std::to_string(after->first - address);
  }
  std::array<char, 24> hex{};
  std::snprintf(hex.data(), hex.size(), "0x%" PRIx64, address);
  return text + hex.data();
}

Region& Memory::require(std::uint64_t address, std::size_t size, const char* kind) {
  Region* region = find(address, size);
  if (region == nullptr || region->space != Space::Kernel) {
    throw Fault{kind, describe(address, size)};
  }
  return *region;
}

void Memory::load(std::uint64_t address, std::span<std::uint8_t> out) {
  const Region& region = require(address, out.size(), "out of bounds read");
  if (!region.initialised.empty()) {
    const auto first = region.initialised.begin() + static_cast<std::ptrdiff_t>(address - region.base);
    const auto last = first + static_cast<std::ptrdiff_t>(out.size());
    if (std::find(first, last, false) != last) {
      throw Fault{"uninitialised read", describe(address, out.size())};
    }
  }
  if (!out.empty()) {
    std::memcpy(out.data(), pointer_to(address), out.size());
  }
}

Region& Memory::check_store(std::uint64_t address, std::size_t size) {
  Region& region = require(address, size, "out of bounds write");
  if (!region.writable) {
    throw Fault{"write to read-only memory", describe(address, size)};
  }
  return region;
}

void Memory::store(std::uint64_t address, std::span<const std::uint8_t> bytes) {
  Region& region = check_store(address, bytes.size());
  if (bytes.empty()) {
    return;
  }
  std::memcpy(pointer_to(address), bytes.data(), bytes.size());
  if (!region.initialised.empty()) {
    const auto first = region.initialised.begin() + static_cast<std::ptrdiff_t>(address - region.base);
    std::fill(first, first + static_cast<std::ptrdiff_t>(bytes.size()), true);
  }
}

void Memory::check_alignment(std::uint64_t address, std::size_t size, bool always) {
  const Region* region = find(address, size);
  if (region != nullptr && (always || region->aligned) && (address - region->base) % size != 0) {
    throw Fault{"misaligned access", describe(address, size)};
  }
}

std::vector<std::uint8_t> Memory::copy(std::uint64_t address, std::size_t size) {
  require(address, size, "out of bounds read");
  const std::uint8_t* first = pointer_to(address);
  return {first, first + size};
}

}  // namespace tpx::test
