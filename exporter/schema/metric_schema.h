#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "kernel/format.h"

namespace tpx::schema {

/// The value of a string that can't be read: its page is not in memory, or the address is invalid.
inline constexpr std::string_view kUnreadable = "<fault>";
/// The size of sockaddr_in6, the largest internet socket address. The exporter stores all of them in this size.
inline constexpr std::uint32_t kSocketAddressBytes = 28;
/// The family of a socket address that can't be read. The kernel does not use it (AF_MAX is 46).
inline constexpr std::uint16_t kUnreadableFamily = 0xffff;
enum class MetricKind : std::uint8_t { Counter, Gauge, Histogram };

/// The bytes of one label in a key.
struct ValueType {
  enum class Kind : std::uint8_t {
    Integer,  ///< `size` 1, 2, 4 or 8, native byte order
    String,   ///< `size` bytes, ends at the first NUL if any; what follows the NUL is not defined
    Bytes     ///< `size` opaque bytes, such as an IP address
  };
  Kind kind = Kind::Integer;
  std::uint32_t size = 8;
  bool is_signed = false;
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

/// The type of a comparison, `&&`, `||` and `!`: 0 or 1.
inline constexpr ValueType kTruth{ValueType::Kind::Integer, 1, false};

/// What a decoder takes besides the value.
enum class DecoderInput : std::uint8_t { Integer, String, Bytes, IntegerOrBytes, Any };
enum class DecoderExtra : std::uint8_t {
  None,
  Pattern,  ///< one string literal: match()
  Names,    ///< 1="read", …: map()
  Field     ///< the tracepoint's own names for the field that is the argument: symbol(), flags()
};
/// A decoder as the checker sees it; the table stands in decode/.
struct DecoderSignature {
  std::string_view name;
  DecoderInput input = DecoderInput::Integer;
  DecoderExtra extra = DecoderExtra::None;
  std::string_view summary;  ///< one line for docs and --help
  std::string_view example;  ///< an expression, for docs
  /// DecoderExtra::Pattern: says what is wrong with a pattern, at configuration time. Null for the others.
  Result<void> (*check_pattern)(const std::string& pattern) = nullptr;
};

/// One decoder applied to a label, inside out.
struct DecoderCall {
  std::string name;
  std::string pattern;                                       ///< DecoderExtra::Pattern
  std::vector<std::pair<std::uint64_t, std::string>> names;  ///< DecoderExtra::Names
  std::shared_ptr<const kernel::FieldNames> field_names;     ///< DecoderExtra::Field, all names resolved
};

struct KeyField {
  std::string label;
  std::uint32_t offset = 0;  ///< in the key
  ValueType type;
  std::vector<DecoderCall> decoders;     ///< first applied first; empty: integers in decimal, strings as they are
  std::vector<std::string> probe_names;  ///< not empty: the integer indexes this list (`probe`)
};

/// How a label set lies in a map's key: fields in the order of the labels, each aligned to its size (at most 8), padding
/// zero, the whole a multiple of 8. Decided once, by the planner.
struct KeyLayout {
  std::vector<KeyField> fields;
  std::uint32_t size = 0;  ///< 0: no labels
};

/// The 64-bit words of one series' value.
///   Counter: {sum}.  Gauge: {value, set} where set is 0 until the first event.
///   Histogram: {bucket 0, …, bucket N-1, +Inf bucket, sum low, sum high}; buckets are not cumulative here, the sum is a
///   128-bit two's complement number, so it can't overflow.
struct ValueLayout {
  MetricKind kind = MetricKind::Counter;
  /// Histogram: inclusive upper bounds in kernel integers, increasing; where the value is unsigned, so are they.
  std::vector<std::int64_t> bounds;
  std::uint32_t unreachable = 0;       ///< as many bounds at the front are below the least value of the type
  std::vector<double> exposed_bounds;  ///< the same in the exposed unit, as `le` shows them
  bool is_signed = false;              ///< Gauge, Histogram: the observed value is signed
  [[nodiscard]] std::uint32_t words() const;
  [[nodiscard]] std::uint32_t bytes() const { return words() * 8; }
};

enum class StoreKind : std::uint8_t {
  Array,      ///< no labels: one row per CPU in a mmapable array
  Table,      ///< labels: open-addressed shared index and per-CPU rows in a mmapable array
  PerCpuHash  ///< labels, where the kernel lacks compare-and-swap or the table would be too large
};

/// What people call it.
[[nodiscard]] std::string store_name(StoreKind kind);

/// Which of the rows of a series ("lanes") a CPU adds to. Every rule is exact for every CPU number, whatever comes online.
enum class LaneRule : std::uint8_t {
  PerCpu,      ///< lane = CPU: as many lanes as possible CPUs
  SharedLast,  ///< CPUs from `lanes - 1` on share the last lane and add to it atomically; each other CPU has its own
  Folded       ///< lane = CPU modulo `lanes`, a power of two: all CPUs add atomically (StorePlan::atomic)
};

/// Where everything lies in the one value of a mmapable array that backs Array and Table stores, and the `other` row and
/// counters of every store. All offsets in bytes from the start, multiples of 64 per area.
///
///   fresh    u64   ids from this one on were never taken (BPF: fetch-and-add 1; may run past the capacity)
///   free     u64   stack of ids given back: top id + 1 or 0 (lower 20 bits) | ids on it (20 bits) << 20 | changes << 40,
///                  which is there so that a compare-and-swap notices that the top went and came back
///   lost     u64[lost_lines][8]: events that could not be counted, by LostReason; CPUs share lines, adds are atomic
///   index    u32[slots]: 0 empty; else hash (upper 10 bits) | id + 1 (20 bits) << 2 | state (lower 2 bits)
///   links    u32[capacity]: of each id on the stack the one below it + 1, or 0
///   places   u32[capacity]: of each id its slot in the index + 1, or 0 while it has no key; with kUnpublished from before
///            its word stands in the index until after
///   births   u32[capacity], if there are any: of each id when its key was written, in ticks; see kTickBits
///   keys     [capacity][key_size]
///   values   [lanes][capacity + 1][words]: the last row is the series `other`
///
/// What every event touches is kept small, so that it stays in a core's cache: a word of the index, the key, the row.
/// A Gauge has one shared row per series (lanes = 1).
/// See docs/design/lock-free-table.md.
struct RegionLayout {
  static constexpr std::uint32_t kLostReasons = 8;
  static constexpr std::uint32_t kMostLostLines = 16;  ///< a power of two
  static constexpr std::uint32_t kIdBits = 20;         ///< of an index word
  static constexpr std::uint32_t kMostIds = (1U << kIdBits) - 1;
  static constexpr std::uint32_t kUnpublished = 1U << 31U;
  /// log2 of the nanoseconds in a tick of CLOCK_MONOTONIC (bpf_ktime_get_ns()): 67 ms. 32 bits of ticks last 9 years.
  static constexpr std::uint32_t kTickBits = 26;
  /// What the word `free` gains, beside the top, when an id is put on the stack.
  static constexpr std::uint64_t kOneFree = 1ULL << kIdBits;
  static constexpr std::uint64_t kChange = 1ULL << (2 * kIdBits);
  /// Label sets (Table), at most kMostIds; 1 (Array; PerCpuHash, whose row 0 stays zero: what it inserts).
  std::uint32_t capacity = 0;
  std::uint32_t slots = 0;  ///< power of two, at least three times the capacity; 0 unless Table
  std::uint32_t key_size = 0;
  std::uint32_t value_words = 1;
  std::uint32_t lanes = 1;  ///< rows per series
  std::uint32_t cpus = 1;   ///< possible CPUs
  bool births = false;      ///< for a Table with retire_on_exit
  LaneRule lane_rule = LaneRule::PerCpu;

  [[nodiscard]] std::uint32_t fresh_offset() const { return 0; }
  [[nodiscard]] std::uint32_t free_offset() const { return 64; }
  [[nodiscard]] std::uint32_t lost_offset() const { return 128; }
  [[nodiscard]] std::uint32_t lost_stride() const { return kLostReasons * 8; }
  [[nodiscard]] std::uint32_t lost_lines() const { return cpus < kMostLostLines ? cpus : kMostLostLines; }
  [[nodiscard]] std::uint32_t index_offset() const;
  [[nodiscard]] std::uint32_t links_offset() const;
  [[nodiscard]] std::uint32_t places_offset() const;
  [[nodiscard]] std::uint32_t births_offset() const;
  [[nodiscard]] std::uint32_t keys_offset() const;
  [[nodiscard]] std::uint32_t values_offset() const;
  [[nodiscard]] std::uint32_t value_stride() const { return value_words * 8; }
  /// Bytes from one lane to the next, a multiple of 64.
  [[nodiscard]] std::uint64_t lane_stride() const;
  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::uint32_t other_row() const { return capacity; }
};

/// States of an index word (its lower two bits), or of a pair's start. Only the latter are ever Claimed.
enum class SlotState : std::uint8_t { Empty = 0, Claimed = 1, Ready = 2, Retired = 3 };

/// Why an event is not in any series of its metric, or not in the one of its labels.
enum class LostReason : std::uint8_t {
  OtherFull = 0,      ///< counted as `other`: max_series label sets are in use
  OtherBusy = 1,      ///< counted as `other`: the insertion met too many others at once
  NegativeValue = 2,  ///< a counter's value was below 0; not counted
  PairCollision = 3,  ///< a pair's start was displaced by another key that shares its slot, or found it busy
  PairNoStart = 4,    ///< an end without a start (not a loss: reported as unmatched)
  PairRestart = 5,    ///< a start of the same key displaced one that never ended (not a loss: reported as unmatched)
  ReadFault = 6       ///< failed reads of memory, not events; the events are counted with kUnreadable (not a loss)
};

struct StorePlan {
  StoreKind kind = StoreKind::Array;
  std::string reason;  ///< why this kind, for `check` and the landing page
  std::uint32_t max_series = 1;
  RegionLayout region;  ///< of the mmapable array, which every store has
  /// All rows are updated by atomic adds: CPUs or several programs share them, or one may nest in itself.
  bool atomic = false;
  /// Values that the kernel keeps of each element of a PerCpuHash; a gauge's is a plain hash.
  [[nodiscard]] std::uint32_t hash_copies() const { return region.lanes == 1 ? 1 : region.cpus; }
  [[nodiscard]] std::uint64_t map_bytes(std::uint32_t key_size, std::uint32_t value_bytes) const;
};

/// Everything that the reader, the decoders and the exposition need of a metric, and what code generation writes to.
struct MetricSchema {
  std::string name;  ///< with its namespace
  std::string help;
  KeyLayout key;
  ValueLayout value;
  StorePlan store;
  double scale = 1;                                 ///< exposed value = kernel value * scale
  std::optional<std::uint32_t> retire_field;        ///< index in key.fields of the label that holds an exiting id
  std::optional<std::chrono::nanoseconds> min_age;  ///< with it: younger rows are not exposed; none: the default
  SourceLocation at;
  std::string region_map;  ///< symbolic names of its maps
  std::string hash_map;    ///< PerCpuHash only
  std::string pair_map;    ///< of a pair; empty otherwise
};

}  // namespace tpx::schema
