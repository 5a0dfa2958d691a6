#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "loader/loader.h"
#include "plan/planner.h"
#include "reader/reader.h"

namespace tpx::test {

/// What this machine's kernel offers, asked once. Fails the test when it can't be had.
[[nodiscard]] const kernel::Kernel& this_kernel();

/// Ways to attach and to keep that a test forces.
struct Force {
  std::optional<plan::AttachType> attach = std::nullopt;
  std::optional<schema::StoreKind> store = std::nullopt;
  bool preempted = false;                                 ///< plans as where tp_btf programs miss events
  std::optional<std::uint32_t> own_lanes = std::nullopt;  ///< see plan::Options, as the next
  std::optional<std::uint32_t> folded_lanes = std::nullopt;
};

/// Label texts (integers in decimal, strings as they are, arrays in hexadecimal) and the words of the value.
struct Row {
  std::map<std::string, std::string> labels;
  std::vector<std::uint64_t> words;
};

/// A configuration, attached to this kernel. Metrics have no namespace. On destruction all is detached, and the test fails
/// when a program is still there a moment later.
class Session {
 public:
  explicit Session(const std::string& yaml, Force force = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;
  ~Session();

  /// All rows, equal label sets merged; `other` is not among them.
  [[nodiscard]] std::vector<Row> rows(const std::string& metric);
  /// The words of the series with these labels; zeros when there is none.
  [[nodiscard]] std::vector<std::uint64_t> words(const std::string& metric,
                                                 const std::map<std::string, std::string>& labels);
  /// The first word, of a counter or gauge.
  [[nodiscard]] std::uint64_t value(const std::string& metric, const std::map<std::string, std::string>& labels = {});
  /// First words by all label values, joined by '|' in the order of the labels.
  [[nodiscard]] std::map<std::string, std::uint64_t> table(const std::string& metric);
  /// The first words of all series and of `other`.
  [[nodiscard]] std::uint64_t sum(const std::string& metric);
  [[nodiscard]] std::uint64_t other(const std::string& metric);
  [[nodiscard]] std::uint64_t lost(const std::string& metric, schema::LostReason reason);
  [[nodiscard]] std::uint64_t recursion_misses() const;
  [[nodiscard]] const plan::PlannedMetric& planned(const std::string& metric);
  [[nodiscard]] const loader::Loaded& loaded() const { return loaded_; }

 private:
  [[nodiscard]] const loader::LoadedMetric& find(const std::string& metric);
  [[nodiscard]] reader::MapSnapshot snapshot(const std::string& metric);

  loader::Loaded loaded_;
  std::vector<std::uint32_t> program_ids_;
};

/// Every attach type and store that may serve a metric with labels.
[[nodiscard]] std::vector<Force> all_ways();
[[nodiscard]] std::string describe(const Force& force);

}  // namespace tpx::test
