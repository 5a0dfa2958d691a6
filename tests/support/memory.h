#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tpx::test {

/// Why a program under interpretation was stopped: it did what the verifier refuses or the machine can't do. Thrown by
/// Memory and by helpers, caught by Interpreter::step(), which adds the instruction.
struct Fault {
  std::string kind;    ///< `out of bounds read`
  std::string detail;  ///< `8 bytes at stack +512`
};

/// Which instructions and helpers reach a region: plain loads and bpf_probe_read_kernel the kernel's, only
/// bpf_probe_read_user the user's.
enum class Space : std::uint8_t { Kernel, User };

/// One piece of host memory that a program may touch. Its address in the program is its address here.
struct Region {
  std::string name;
  std::uint64_t base = 0;
  std::size_t size = 0;
  bool writable = false;
  Space space = Space::Kernel;
  bool aligned = false;  ///< plain accesses must be aligned, as the verifier wants it of stack and context
  std::vector<bool> initialised = {};  ///< by byte; empty: all of it
};

/// The address of host memory as a register holds it.
[[nodiscard]] std::uint64_t address_of(const void* pointer);

/// All memory that a program may touch. An access must lie in one region whole. Regions belong to whoever added them
/// and must outlive their place here. Not thread-safe.
class Memory {
 public:
  /// Memory to read, such as a kernel structure or a user's string. Gives its address.
  std::uint64_t add(std::string name, std::span<const std::uint8_t> bytes, Space space = Space::Kernel);
  std::uint64_t add(Region region);
  void remove(std::uint64_t base);

  /// The region that holds all of the bytes, or null.
  [[nodiscard]] Region* find(std::uint64_t address, std::size_t size);

  /// What a load instruction does: kernel memory, every byte of it initialised, else a Fault.
  void load(std::uint64_t address, std::span<std::uint8_t> out);
  /// What a store instruction does: writable kernel memory, else a Fault. Marks the bytes initialised.
  void store(std::uint64_t address, std::span<const std::uint8_t> bytes);
  /// The region in which store() would write that many bytes; a Fault where it may not.
  Region& check_store(std::uint64_t address, std::size_t size);
  /// A Fault unless the access is aligned within its region, when the region or `always` asks for that.
  void check_alignment(std::uint64_t address, std::size_t size, bool always);
  /// Kernel memory with its uninitialised bytes as they are; a Fault when out of bounds.
  [[nodiscard]] std::vector<std::uint8_t> copy(std::uint64_t address, std::size_t size);

 private:
  Region& require(std::uint64_t address, std::size_t size, const char* kind);
  [[nodiscard]] std::string describe(std::uint64_t address, std::size_t size) const;

  std::map<std::uint64_t, Region> regions_;
};

}  // namespace tpx::test
