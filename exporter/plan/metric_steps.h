#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"
#include "plan/label.h"
#include "plan/metric_planner.h"
#include "plan/sites.h"
#include "typed/comparisons.h"

namespace tpx::plan {

/// What an event of one tracepoint means to the metric, every name resolved.
struct BoundSite {
  const Tracepoint* tracepoint = nullptr;
  const Site* site = nullptr;
  std::size_t position = 0;  ///< of the tracepoint in the metric's list, for `probe`
  TypedExprPtr filter;
  TypedExprPtr count_filter;  ///< the metric's own filter
  TypedExprPtr end_filter;    ///< of a pair's end, in place of `filter`
  TypedExprPtr restarts;      ///< of a pair's end: see PairEnd
  TypedExprPtr key;           ///< of a pair
  TypedExprPtr value;
  std::vector<TypedExprPtr> labels;
};

/// `probe` of a tracepoint at this position of the metric's list.
[[nodiscard]] TypedExprPtr position_of(std::size_t position);

/// A value that a pair keeps from its start.
struct Captured {
  std::string identity;  ///< of `by_start`
  schema::ValueType type;
  std::uint32_t offset = 0;
  std::vector<TypedExprPtr> by_start;  ///< bound in each start site
};

/// The steps that planning has in common for metrics of events and of pairs: each leaves what it decides in the members,
/// and adds to the outcome's errors what is wrong. The configuration, kernel and options must outlive it.
class MetricSteps {
 public:
  MetricSteps(const config::Metric& metric, const std::string& name, std::size_t index, const kernel::Kernel& kernel,
              const Options& options)
      : metric_(metric), name_(name), index_(index), kernel_(kernel), options_(options) {}

 protected:
  using Bound = tl::expected<BoundSite, Errors>;

  void add_error(Error error, const SourceLocation& at);
  /// An error that does not depend on the kernel.
  void add_written_error(Error error, const SourceLocation& at);
  /// Adds the errors of one more tracepoint, except at locations that already have one.
  void add_errors(Errors errors, const SourceLocation& at);
  /// Takes the decoders off the labels.
  void read_labels();
  /// The tracepoints of one source; an error when none is there.
  [[nodiscard]] std::vector<Tracepoint> tracepoints(const config::Events& events);
  [[nodiscard]] Result<TypedExprPtr> bind_integer(const config::Expression& expression, const typed::Names& names,
                                                  const std::string& what, typed::Comparisons& comparisons);
  /// Binds everything at one site; fails with the error of each expression that has one.
  [[nodiscard]] Bound bind_at(const Tracepoint& tracepoint, const Site& site, std::size_t position,
                              const config::Expression* filter, const config::Expression* key, bool counts,
                              const typed::StartBinder& from);
  /// The best site of a tracepoint that can answer all expressions. The last site's error counts: it is the record's.
  [[nodiscard]] Bound bind_best(const Tracepoint& tracepoint, std::size_t position, const config::Expression* filter,
                                const config::Expression* key, bool counts, const typed::StartBinder& from = nullptr);
  /// False after errors; adds one for each invalid label.
  bool make_key(const std::vector<BoundSite>& sites, const typed::EventNames* from);
  void note_address_of_text(const ParsedLabel& label, const std::vector<BoundSite>& sites,
                            const typed::EventNames* from);
  /// Several tracepoints may share a label; the first whose format has names for it gives them.
  Result<void> name_fields(ParsedLabel& label, const std::vector<BoundSite>& sites, const typed::EventNames* from);
  /// The errors that make_key() would find in labels of which symbol() or flags() is asked, for a metric that did not bind.
  void check_names(const std::vector<Tracepoint>& found);
  void make_value(const std::vector<BoundSite>& sites, bool duration);
  bool find_retired_label(const std::vector<BoundSite>& sites);
  void finish(const std::vector<BoundSite>& sites);
  void set_help(const std::string& fallback);
  [[nodiscard]] Unit make_unit(const BoundSite& site) const;
  /// Sites that do the same at one attach point become one unit that serves several system calls.
  void add_units(const std::vector<BoundSite>& sites,
                 const std::function<std::variant<Count, PairStart, PairEnd>(std::size_t)>& action,
                 const std::vector<Captured>& captures = {});
  /// The outcome: the metric and its units, or its errors.
  [[nodiscard]] MetricOutcome take();

  const config::Metric& metric_;
  const std::string& name_;
  std::size_t index_;
  const kernel::Kernel& kernel_;
  const Options& options_;
  std::vector<ParsedLabel> labels_;
  std::vector<std::string> notes_;
  typed::Comparisons comparisons_;  ///< of all sites that were bound
  PlannedMetric metric_plan_;
  MetricOutcome outcome_;
  bool written_wrong_ = false;
};

}  // namespace tpx::plan
