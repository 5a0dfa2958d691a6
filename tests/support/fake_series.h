#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decode/label_source.h"
#include "reader/snapshot.h"
#include "schema/metric_schema.h"

namespace tpx::test {

/// Keys are one u64 each; this says what labels they decode to. A key it does not know is left out.
class FakeLabels : public decode::LabelSource {
 public:
  bool decode(std::span<const std::byte> key, std::vector<std::string>& out) override {
    ++calls;
    std::uint64_t number = 0;
    if (!key.empty()) {
      std::memcpy(&number, key.data(), key.size());
    }
    const auto found = texts.find(number);
    if (found == texts.end()) {
      return false;
    }
    out = found->second;
    return true;
  }
  [[nodiscard]] bool stable() const override { return is_stable; }
  [[nodiscard]] std::optional<std::uint64_t> generation() const override { return current; }

  std::map<std::uint64_t, std::vector<std::string>> texts;
  bool is_stable = true;
  std::optional<std::uint64_t> current;
  int calls = 0;
};

inline schema::MetricSchema make_plan(schema::MetricKind kind, const std::vector<std::string>& labels) {
  schema::MetricSchema plan;
  plan.name = kind == schema::MetricKind::Counter ? "tracepoint_events_total" : "tracepoint_size_bytes";
  plan.help = "Events.";
  plan.value.kind = kind;
  for (const std::string& label : labels) {
    schema::KeyField field;
    field.label = label;
    plan.key.fields.push_back(field);
  }
  plan.key.size = labels.empty() ? 0 : 8;
  return plan;
}

/// Rows of {key, value words}.
inline reader::MapSnapshot make_snapshot(
    const schema::MetricSchema& plan, const std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>>& rows) {
  reader::MapSnapshot snapshot;
  snapshot.key_size = plan.key.size;
  snapshot.value_words = plan.value.words();
  for (const auto& [key, value] : rows) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&key);
    snapshot.keys.insert(snapshot.keys.end(), bytes, bytes + plan.key.size);
    snapshot.values.insert(snapshot.values.end(), value.begin(), value.end());
    ++snapshot.row_count;
  }
  return snapshot;
}

}  // namespace tpx::test
