#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

struct btf;

namespace tpx::kernel {

/// Kernel type information (vmlinux BTF) by libbpf. Immutable after open; thread-safe to read.
/// Type ids are BTF's own; 0 is void.
class Btf {
 public:
  /// The BTF blob of `path` (/sys/kernel/btf/vmlinux).
  [[nodiscard]] static Result<Btf> open(const std::string& path);
  /// Takes BTF that somebody else parsed, such as an object file's; the owner keeps it alive.
  [[nodiscard]] static Btf borrow(const ::btf* raw);

  struct Argument {
    std::string name;  ///< as in the tracepoint's prototype: `prev`, `next`
    std::uint32_t type = 0;
  };
  /// The arguments of a raw tracepoint, without the leading `void *__data`, from `btf_trace_NAME`; their names from
  /// FUNC `__traceiter_NAME` or `__bpf_trace_NAME` (`argN` where neither names them). Nothing when it does not exist.
  [[nodiscard]] std::optional<std::vector<Argument>> tracepoint(const std::string& name) const;
  /// The id of typedef `btf_trace_NAME`: the attach_btf_id of a tp_btf program.
  [[nodiscard]] std::optional<std::uint32_t> tracepoint_id(const std::string& name) const;
  /// Names of all raw tracepoints, sorted.
  [[nodiscard]] std::vector<std::string> tracepoints() const;

  enum class Kind : std::uint8_t { Integer, Pointer, Struct, Array, Enum, Void, Other };
  /// A type with typedefs and qualifiers stripped.
  struct Type {
    std::uint32_t id = 0;  ///< of the stripped type
    Kind kind = Kind::Other;
    std::string name;          ///< the first name met on the way: `pid_t`, `task_struct`
    std::uint32_t size = 0;    ///< bytes
    bool is_signed = false;    ///< Integer, Enum
    bool is_char = false;      ///< Integer of 1 byte that holds text
    std::uint32_t target = 0;  ///< Pointer: pointee id; Array: element id
    std::uint32_t length = 0;  ///< Array: elements
  };
  [[nodiscard]] Type resolve(std::uint32_t id) const;

  struct Member {
    std::uint32_t type = 0;
    std::uint32_t bit_offset = 0;  ///< from the start of the outer struct, anonymous members crossed
    std::uint32_t bit_size = 0;    ///< of a bit-field; 0 otherwise
  };
  /// A member by name, also inside anonymous structs and unions.
  [[nodiscard]] std::optional<Member> member(std::uint32_t structure, const std::string& name) const;
  [[nodiscard]] std::vector<std::string> member_names(std::uint32_t structure) const;

  /// The value of an enumerator of any enum (`HRTIMER_SOFTIRQ`).
  [[nodiscard]] std::optional<std::uint64_t> enumerator(const std::string& name) const;
  /// Value → name of one enum type.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::string>> enumerators(std::uint32_t type) const;
  [[nodiscard]] std::optional<std::uint32_t> find_struct(const std::string& name) const;
  /// The id of a typedef by its name; looks at every type.
  [[nodiscard]] std::optional<std::uint32_t> find_typedef(const std::string& name) const;

  [[nodiscard]] const ::btf* raw() const { return raw_.get(); }

 private:
  struct Index;
  Btf(std::shared_ptr<const ::btf> raw, std::shared_ptr<const Index> index);
  std::shared_ptr<const ::btf> raw_;
  std::shared_ptr<const Index> index_;
};

}  // namespace tpx::kernel
