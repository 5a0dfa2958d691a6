#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::loader {

/// A mmapable BPF array of one value, mapped into this process for its life. Move-only; share() gives a second owner of the
/// same mapping. BPF programs on all CPUs write the memory while it is read: words are read and written with the atomics of
/// word(). Never null after create().
class Region {
 public:
  Region() = default;
  /// `bytes` are rounded up to whole pages by the kernel.
  [[nodiscard]] static Result<Region> create(const std::string& name, std::uint64_t bytes) {
    return create(name, bytes, {});
  }
  struct Piece {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };
  /// Without the pages that lie wholly within `hidden`: this process must not touch them. Programs use them all the same.
  /// What is mapped counts as resident memory, used or not.
  [[nodiscard]] static Result<Region> create(const std::string& name, std::uint64_t bytes, Piece hidden);
  /// An array that exists already, such as a pinned one, of `bytes`.
  [[nodiscard]] static Result<Region> map(UniqueFd array, std::uint64_t bytes, Piece hidden);
  /// The same array and mapping, which live until the last of their owners is gone.
  [[nodiscard]] Region share() const;
  Region(Region&& other) noexcept = default;
  Region& operator=(Region&& other) noexcept = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() = default;

  [[nodiscard]] int descriptor() const { return mapping_ ? mapping_->fd.get() : -1; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Piece hidden() const { return mapping_ ? mapping_->hidden : Piece(); }
  [[nodiscard]] std::byte* data() const { return data_; }
  /// The word at a byte offset, a multiple of its size: 8, or 4 as load<std::uint32_t>().
  template <std::unsigned_integral Word = std::uint64_t>
  [[nodiscard]] Word load(std::uint64_t offset) const {
    return __atomic_load_n(reinterpret_cast<const Word*>(data_ + offset), __ATOMIC_ACQUIRE);
  }
  template <std::unsigned_integral Word = std::uint64_t>
  void store(std::uint64_t offset, std::type_identity_t<Word> value) const {
    __atomic_store_n(reinterpret_cast<Word*>(data_ + offset), value, __ATOMIC_RELEASE);
  }
  [[nodiscard]] bool compare_exchange(std::uint64_t offset, std::uint64_t expected, std::uint64_t value) const {
    return __atomic_compare_exchange_n(reinterpret_cast<std::uint64_t*>(data_ + offset), &expected, value, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  }
  /// Puts `value` there; gives what was there before.
  [[nodiscard]] std::uint64_t exchange(std::uint64_t offset, std::uint64_t value) const {
    return __atomic_exchange_n(reinterpret_cast<std::uint64_t*>(data_ + offset), value, __ATOMIC_ACQ_REL);
  }

 private:
  struct Mapping {
    UniqueFd fd;
    std::byte* data = nullptr;
    std::uint64_t size = 0;
    Piece hidden;
    Mapping() = default;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();
  };
  std::shared_ptr<const Mapping> mapping_;
  std::byte* data_ = nullptr;  // as in *mapping_: read often
  std::uint64_t size_ = 0;
};

}  // namespace tpx::loader
