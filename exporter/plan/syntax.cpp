#include "plan/syntax.h"

#include <optional>
#include <utility>

#include "expression/ast.h"
#include "plan/label.h"

namespace tpx::plan {

namespace {

class SyntaxChecker {
 public:
  explicit SyntaxChecker(const Options& options) : options_(options) {}

  void check(const config::Metric& metric) {
    const std::size_t before = errors_.size();
    check_text(metric.filter);
    check_text(metric.value);
    for (const config::Label& label : metric.labels) {
      auto parsed = parse_label(label, options_);
      keep(parsed ? check_named_field(*parsed) : Result<void>(fail(std::move(parsed.error()))), label.expression.at);
    }
    if (const auto* pair = std::get_if<config::Pair>(&metric.source)) {
      for (const config::Endpoint& start : pair->from) {
        check_endpoint(start);
      }
      check_endpoint(pair->to);
    }
    name_metric(before, metric.name.value);
  }

  void check(const config::ObjectMetric& metric) {
    const std::size_t before = errors_.size();
    check_text(metric.filter);
    check_text(metric.value);
    for (const config::Label& label : metric.labels.value_or(std::vector<config::Label>())) {
      auto parsed = parse_label(label, options_);
      keep(parsed ? Result<void>() : Result<void>(fail(std::move(parsed.error()))), label.expression.at);
    }
    name_metric(before, metric.name.value);
  }

  [[nodiscard]] Errors take() { return std::move(errors_); }

 private:
  void keep(Result<void> checked, const SourceLocation& at) {
    if (!checked) {
      errors_.push_back(std::move(checked.error()).at(at));
    }
  }

  void check_text(const std::optional<config::Text>& text) {
    if (!text) {
      return;
    }
    auto parsed = expression::parse(text->value, text->at);
    keep(parsed ? Result<void>() : Result<void>(fail(std::move(parsed.error()))), text->at);
  }

  void check_endpoint(const config::Endpoint& endpoint) {
    check_text(endpoint.key);
    check_text(endpoint.filter);
  }

  void name_metric(std::size_t first, const std::string& name) {
    for (std::size_t i = first; i < errors_.size() && !name.empty(); ++i) {
      errors_[i] = std::move(errors_[i]).with_context("metric \"" + name + "\": ");
    }
  }

  const Options& options_;
  Errors errors_;
};

}  // namespace

Errors syntax_errors(const config::Config& config, const Options& options) {
  SyntaxChecker checker(options);
  for (const config::Config::File& file : config.files) {
    for (const auto* metrics : {&file.metrics, &file.incomplete}) {
      for (const config::Metric& metric : *metrics) {
        checker.check(metric);
      }
    }
    for (const config::Object& object : file.objects) {
      for (const auto* metrics : {&object.metrics, &object.incomplete}) {
        for (const config::ObjectMetric& metric : *metrics) {
          checker.check(metric);
        }
      }
    }
  }
  return checker.take();
}

}  // namespace tpx::plan
