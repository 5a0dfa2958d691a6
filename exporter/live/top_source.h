#pragma once

#include <chrono>
#include <memory>

#include "decode/label_decoder.h"
#include "live/top_model.h"
#include "loader/loader.h"
#include "reader/reader.h"

namespace tpx::live {

/// Feeds a model from a metric that is attached. Used by one thread. Detaches when it dies.
class TopSource {
 public:
  /// `loaded` holds exactly one metric.
  [[nodiscard]] static Result<std::unique_ptr<TopSource>> make(loader::Loaded loaded,
                                                               const decode::Environment& environment);

  /// Reads the maps into the model.
  [[nodiscard]] Result<void> sample(TopModel& model);

  [[nodiscard]] const plan::PlannedMetric& metric() const { return loaded_.metrics.front().planned; }
  [[nodiscard]] std::vector<std::string> label_names() const;

 private:
  TopSource(loader::Loaded loaded, decode::LabelDecoder labels)
      : loaded_(std::move(loaded)), labels_(std::move(labels)), reader_(loaded_.metrics.front()) {}

  loader::Loaded loaded_;
  decode::LabelDecoder labels_;
  reader::Reader reader_;
  reader::MapSnapshot snapshot_;
  std::vector<std::string> texts_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace tpx::live
