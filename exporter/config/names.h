#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace tpx::config {

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`, the data model's metric names.
[[nodiscard]] bool is_metric_name(std::string_view name);

/// `[a-zA-Z_][a-zA-Z0-9_]*`: label names, and the identifiers of C.
[[nodiscard]] bool is_identifier(std::string_view name);

/// What is wrong with a metric's name, given its type: its characters or its suffix. The location is the name's.
[[nodiscard]] std::optional<Error> check_metric_name(const Text& name, MetricType type);

/// What is wrong with a label's name. The location is the name's.
[[nodiscard]] std::optional<Error> check_label_name(const Text& name, MetricType type);

/// The names that metrics expose. Two metrics must not share one: neither a sample's (`x_sum` of a histogram `x`) nor a
/// family's (OpenMetrics calls the family of `x_total` just `x`).
class ExposedNames {
 public:
  /// Takes the names of a metric, or says with which one they collide.
  [[nodiscard]] std::optional<Error> add(const std::string& name_space, const Text& name, MetricType type);

 private:
  struct Owner {
    std::string name;
    SourceLocation at;
  };
  std::map<std::string, Owner> owners_;
};

/// Moves the metrics for which `has_error` is true to the end of the incomplete ones. Calls `has_error` once per metric, in
/// order.
template <class M, class Predicate>
void set_aside(std::vector<M>& metrics, std::vector<M>& incomplete, Predicate has_error) {
  std::vector<M> good;
  for (M& metric : metrics) {
    (has_error(metric) ? incomplete : good).push_back(std::move(metric));
  }
  metrics = std::move(good);
}

}  // namespace tpx::config
