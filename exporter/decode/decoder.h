#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "schema/metric_schema.h"

namespace tpx::decode {

class CgroupIndex;
class ContainerNames;
class KernelSymbols;

/// Where decoders look things up. Injectable for tests and containers.
struct Environment {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string etc = "/etc";
  std::string cgroupfs = "/sys/fs/cgroup";
  std::string var_log = "/var/log";

  // What decoders of all metrics share, so that a host is looked through once. Null: each decoder makes its own.
  std::shared_ptr<CgroupIndex> cgroups;
  std::shared_ptr<ContainerNames> containers;
  std::shared_ptr<KernelSymbols> symbols;
};

/// The same paths with the shared parts made. Call it once, while still privileged (they open what later can't be
/// opened), and make all decoders from its result.
[[nodiscard]] Environment with_shared(Environment paths);

/// What a decoder gets: the value as the kernel kept it, or the text of the decoder before it.
struct Input {
  schema::ValueType type;
  std::uint64_t integer = 0;         ///< type Integer: sign-extended to 64 bits when signed
  std::span<const std::byte> bytes;  ///< type Bytes
  std::string_view text;             ///< type String
};

/// What it gives: text, always valid UTF-8, or the verdict that the series is to be left out (match() that does not match).
struct Output {
  std::string text;
  bool keep = true;
};

/// Turns one label's value into text. Stateful (caches); used by one thread at a time. Never throws.
class Decoder {
 public:
  virtual ~Decoder() = default;
  [[nodiscard]] virtual Output decode(const Input& input) = 0;
  /// Called once before each scrape: time to refresh what may have changed (a renamed device, a new user).
  virtual void refresh() {}
  /// False when equal inputs may give other text in a later scrape (ifname after a rename): such texts aren't cached.
  [[nodiscard]] virtual bool stable() const { return true; }
};

using Factory = std::unique_ptr<Decoder> (*)(const schema::DecoderCall&, const Environment&);

struct Entry {
  schema::DecoderSignature signature;
  Factory make;
  bool from_cgroup = false;  ///< the value is a cgroup's id, whose path Environment::cgroups tells
};

/// The one table of decoders.
[[nodiscard]] std::span<const Entry> table();

/// Whether a label of the metric is decoded from a cgroup's path.
[[nodiscard]] bool decodes_cgroups(const schema::MetricSchema& metric);

/// The signatures alone, for the planner.
[[nodiscard]] std::vector<schema::DecoderSignature> signatures();

}  // namespace tpx::decode
