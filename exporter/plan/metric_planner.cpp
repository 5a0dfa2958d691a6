#include "plan/metric_planner.h"

#include <algorithm>
#include <map>

#include "plan/label.h"
#include "plan/layout.h"
#include "plan/sites.h"

namespace tpx::plan {

namespace {

using expression::NodePtr;

/// An expression of the configuration, parsed.
struct Parsed {
  NodePtr node;
  SourceLocation at;
};

/// What an event of one tracepoint means to the metric, every name resolved.
struct BoundSite {
  const Tracepoint* tracepoint = nullptr;
  const Site* site = nullptr;
  std::size_t position = 0;  ///< of the tracepoint in the metric's list, for `probe`
  BoundPtr filter;
  BoundPtr count_filter;  ///< the metric's own filter
  BoundPtr key;           ///< of a pair
  BoundPtr value;
  std::vector<BoundPtr> labels;
};

/// The values that a pair keeps from its start: each distinct expression once.
struct Captured {
  std::string text;  ///< identity of the expression
  NodePtr node;
  ValueType type;
  std::uint32_t offset = 0;
  std::vector<BoundPtr> by_start;  ///< bound in each start site
};

std::string signature_of(const BoundSite& bound) {
  std::string text = bound.filter ? signature(*bound.filter) : "";
  text += "|" + (bound.count_filter ? signature(*bound.count_filter) : "");
  text += "|" + (bound.key ? signature(*bound.key) : "") + "|" + (bound.value ? signature(*bound.value) : "");
  for (const BoundPtr& label : bound.labels) {
    text += "|" + signature(*label);
  }
  return text;
}

class MetricPlanner {
 public:
  MetricPlanner(const config::Metric& metric, const std::string& name, std::size_t index, const kernel::Kernel& kernel,
                const Options& options)
      : metric_(metric), name_(name), index_(index), kernel_(kernel), options_(options) {}

  MetricOutcome run() {
    parse_all();
    if (outcome_.errors.empty()) {
      if (const auto* pair = std::get_if<config::Pair>(&metric_.source)) {
        plan_pair(*pair);
      } else {
        plan_count(std::get<config::Events>(metric_.source));
      }
    }
    if (!outcome_.errors.empty()) {
      outcome_.metric.reset();
      outcome_.units.clear();
      for (Error& error : outcome_.errors) {
        error = std::move(error).with_context("metric \"" + metric_.name.value + "\": ");
      }
    }
    return std::move(outcome_);
  }

 private:
  void add_error(Error error, const SourceLocation& at) { outcome_.errors.push_back(std::move(error).at(at)); }

  std::optional<Parsed> parse_text(const std::optional<config::Text>& text) {
    if (!text) {
      return std::nullopt;
    }
    auto node = expression::parse(text->value, text->at);
    if (!node) {
      add_error(std::move(node.error()), text->at);
      return std::nullopt;
    }
    return Parsed{*node, text->at};
  }

  void parse_all() {
    filter_ = parse_text(metric_.filter);
    value_ = parse_text(metric_.value);
    for (const config::Label& label : metric_.labels) {
      auto parsed = parse_label(label, options_);
      if (!parsed) {
        add_error(std::move(parsed.error()), label.expression.at);
        continue;
      }
      labels_.push_back(std::move(*parsed));
    }
  }

  /// The tracepoints of one source; an error when none is there.
  std::vector<Tracepoint> tracepoints(const config::Events& events) {
    Tracepoints all = find_tracepoints(events, name_, kernel_, options_);
    if (all.found.empty()) {
      outcome_.kernel_dependent = true;
      for (Error& error : all.missing) {
        add_error(std::move(error), metric_.at);
      }
      return {};
    }
    for (const Error& error : all.missing) {
      notes_.push_back("left out: " + error.message);
    }
    return std::move(all.found);
  }

  // ---- binding ----------------------------------------------------------------------------------------------------

  Result<BoundPtr> bind_integer(const Parsed& parsed, Scope scope, const std::string& what) {
    scope.at = parsed.at;
    auto bound = bind(*parsed.node, scope);
    if (bound && (*bound)->type.kind != ValueType::Kind::Integer) {
      return fail(Error{what + " must be an integer, \"" + expression::to_text(*parsed.node) + "\" is not", "",
                        expression::location_of(*parsed.node, parsed.at)});
    }
    return bound;
  }

  using FromBinder = std::function<Result<BoundPtr>(const expression::Node&)>;

  /// Binds everything at one site; fails with the first error.
  Result<BoundSite> bind_at(const Tracepoint& tracepoint, const Site& site, std::size_t position, const Parsed* filter,
                            const Parsed* key, bool counts, const FromBinder& from) {
    BoundSite result{&tracepoint, &site, position, nullptr, nullptr, nullptr, nullptr, {}};
    Scope scope = site.scope;
    scope.from = from;
    scope.probe = site.dispatch
                      ? make_bound(DispatchIndex{}, {ValueType::Kind::Integer, 4, false})
                      : make_bound(Constant{static_cast<std::int64_t>(position)}, {ValueType::Kind::Integer, 4, false});
    const Parsed* own_filter = counts && filter_ ? &*filter_ : nullptr;
    for (const Parsed* parsed : {filter, own_filter}) {
      if (parsed == nullptr) {
        continue;
      }
      auto bound = bind_integer(*parsed, scope, "the filter");
      if (!bound) {
        return fail(std::move(bound.error()));
      }
      (parsed == own_filter ? result.count_filter : result.filter) = *bound;
    }
    if (key != nullptr) {
      auto bound = bind_integer(*key, scope, "the key of a pair");
      if (!bound) {
        return fail(std::move(bound.error()));
      }
      result.key = *bound;
    }
    if (!counts) {
      return result;
    }
    if (value_) {
      auto bound = bind_integer(*value_, scope, "the value");
      if (!bound) {
        return fail(std::move(bound.error()));
      }
      result.value = *bound;
    }
    for (const ParsedLabel& label : labels_) {
      scope.at = label.at;
      auto bound = bind(*label.value, scope);
      if (!bound) {
        return fail(std::move(bound.error()));
      }
      if (auto fits = check_decoder_input(label, (*bound)->type); !fits) {
        return fail(std::move(fits.error()));
      }
      result.labels.push_back(*bound);
    }
    return result;
  }

  /// The best site of a tracepoint that can answer all expressions. The last site's error counts: it is the record's.
  Result<BoundSite> bind_best(const Tracepoint& tracepoint, std::size_t position, const Parsed* filter,
                              const Parsed* key, bool counts, const FromBinder& from = nullptr) {
    Result<BoundSite> last = fail("no way to attach");
    for (const Site& site : tracepoint.sites) {
      last = bind_at(tracepoint, site, position, filter, key, counts, from);
      if (last) {
        return last;
      }
    }
    outcome_.kernel_dependent = true;
    return last;
  }

  // ---- layout -----------------------------------------------------------------------------------------------------

  bool make_key(const std::vector<BoundSite>& sites, const Scope* from) {
    std::vector<KeyField> fields;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      ParsedLabel& label = labels_[i];
      std::vector<ValueType> types;
      types.reserve(sites.size());
      for (const BoundSite& site : sites) {
        types.push_back(site.labels[i]->type);
      }
      auto type = common_type(types);
      if (!type) {
        add_error(std::move(type.error()).with_context("label \"" + label.name + "\" "), label.at);
        return false;
      }
      if (auto named = name_fields(label, sites, from); !named) {
        add_error(std::move(named.error()), label.at);
        return false;
      }
      KeyField field{label.name, 0, *type, label.decoders, {}};
      if (label.is_probe) {
        field.probe_names = metric_plan_.tracepoints;
      }
      fields.push_back(std::move(field));
    }
    auto layout = lay_out(std::move(fields));
    if (!layout) {
      add_error(std::move(layout.error()), metric_.at);
      return false;
    }
    metric_plan_.plan.key = std::move(*layout);
    return true;
  }

  /// Several tracepoints may share a label; the first whose format has names for it gives them.
  Result<void> name_fields(ParsedLabel& label, const std::vector<BoundSite>& sites, const Scope* from) {
    Result<void> result;
    for (const BoundSite& site : sites) {
      result = find_field_names(label, site.site->scope, from, kernel_);
      if (result) {
        break;
      }
    }
    return result;
  }

  void make_value(const std::vector<BoundSite>& sites, bool duration) {
    MetricPlan& plan = metric_plan_.plan;
    plan.scale = metric_.scale * (duration ? 1e-9 : 1);
    ValueLayout& value = plan.value;
    value.is_signed = !duration;
    metric_plan_.counts_events = metric_.type == config::MetricType::Histogram || (!value_ && !duration);
    for (const BoundSite& site : sites) {
      // Only an unsigned 64-bit value needs the unsigned comparison; everything else fits a signed number.
      if (site.value && !site.value->type.is_signed && site.value->type.size == 8) {
        value.is_signed = false;
      }
    }
    switch (metric_.type) {
      case config::MetricType::Counter:
        value.kind = MetricKind::Counter;
        break;
      case config::MetricType::Gauge:
        value.kind = MetricKind::Gauge;
        break;
      case config::MetricType::Histogram:
        value.kind = MetricKind::Histogram;
        value.exposed_bounds = metric_.buckets->bounds();
        value.bounds = kernel_bounds(value.exposed_bounds, plan.scale);
        break;
    }
  }

  bool find_retired_label(const std::vector<BoundSite>& sites) {
    if (!metric_.retire_on_exit) {
      return true;
    }
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i].name != metric_.retire_on_exit->value) {
        continue;
      }
      if (!labels_[i].decoders.empty() || sites.front().labels[i]->type.kind != ValueType::Kind::Integer) {
        add_error(Error{"retire_on_exit: label \"" + labels_[i].name + "\" is not a plain process or thread id",
                        "let the label be pid, tid or a field that holds one"},
                  metric_.retire_on_exit->at);
        return false;
      }
      metric_plan_.plan.retire_field = static_cast<std::uint32_t>(i);
      return true;
    }
    return true;
  }

  void finish(const std::vector<BoundSite>& sites) {
    MetricPlan& plan = metric_plan_.plan;
    plan.name = name_;
    plan.at = metric_.name.at;
    plan.store = choose_store(plan.key, plan.value, metric_.max_series, kernel_, options_);
    plan.region_map = name_;
    plan.hash_map = plan.store.kind == StoreKind::PerCpuHash ? name_ + ":hash" : "";
    plan.pair_map = metric_plan_.pair ? name_ + ":starts" : "";
    metric_plan_.attach = AttachType::TpBtf;
    metric_plan_.attach_reason = sites.front().site->reason;
    for (const BoundSite& site : sites) {
      if (site.site->point.type == AttachType::Classic) {
        metric_plan_.attach = AttachType::Classic;
        metric_plan_.attach_reason = site.site->reason;
      }
    }
    metric_plan_.notes = notes_;
    outcome_.metric = std::move(metric_plan_);
  }

  void set_help(const std::string& fallback) { metric_plan_.plan.help = metric_.help ? metric_.help->value : fallback; }

  // ---- units ------------------------------------------------------------------------------------------------------

  Unit make_unit(const BoundSite& site) const {
    Unit unit;
    unit.metric = index_;
    unit.filter = site.filter;
    if (site.site->dispatch) {
      unit.dispatch = site.site->dispatch;
      unit.dispatch->indexes = {static_cast<std::uint32_t>(site.position)};
    }
    return unit;
  }

  /// Sites that do the same at one attach point become one unit that serves several system calls.
  void add_units(const std::vector<BoundSite>& sites,
                 const std::function<std::variant<Count, PairStart, PairEnd>(std::size_t)>& action,
                 const std::vector<Captured>& captures = {}) {
    std::map<std::string, std::size_t> shared;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const BoundSite& site = sites[i];
      if (site.site->dispatch) {
        std::string text = site.site->point.text() + "#" + signature_of(site);
        for (const Captured& captured : captures) {
          text += "|" + signature(*captured.by_start[i]);
        }
        const auto [found, is_new] = shared.emplace(text, outcome_.units.size());
        if (!is_new) {
          SyscallDispatch& dispatch = *outcome_.units[found->second].unit.dispatch;
          dispatch.numbers.push_back(site.site->dispatch->numbers.front());
          dispatch.indexes.push_back(static_cast<std::uint32_t>(site.position));
          continue;
        }
      }
      Unit unit = make_unit(site);
      unit.action = action(i);
      outcome_.units.push_back({site.site->point, std::move(unit)});
    }
  }

  // ---- a count ----------------------------------------------------------------------------------------------------

  void plan_count(const config::Events& events) {
    const std::vector<Tracepoint> found = tracepoints(events);
    std::vector<BoundSite> sites;
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto bound = bind_best(found[i], i, nullptr, nullptr, true);
      if (!bound) {
        add_error(std::move(bound.error()), metric_.at);
        return;
      }
      sites.push_back(std::move(*bound));
      metric_plan_.tracepoints.push_back(found[i].name);
    }
    if (sites.empty() || !make_key(sites, nullptr)) {
      return;
    }
    make_value(sites, false);
    if (!find_retired_label(sites)) {
      return;
    }
    set_help("Events of " + metric_plan_.tracepoints.front() +
             (sites.size() > 1 ? " and " + std::to_string(sites.size() - 1) + " more tracepoints." : "."));
    for (BoundSite& site : sites) {
      site.filter = std::move(site.count_filter);
    }
    add_units(sites, [&](std::size_t i) { return Count{sites[i].labels, sites[i].value}; });
    finish(sites);
  }

  // ---- a pair -----------------------------------------------------------------------------------------------------

  struct Start {
    const config::Endpoint* endpoint = nullptr;
    Parsed key;
    std::optional<Parsed> filter;
    std::vector<Tracepoint> found;
  };

  void plan_pair(const config::Pair& pair) {
    std::vector<Start> starts;
    for (const config::Endpoint& endpoint : pair.from) {
      auto key = parse_text(endpoint.key);
      auto filter = parse_text(endpoint.filter);
      if (!outcome_.errors.empty()) {
        return;
      }
      starts.push_back({&endpoint, *key, filter, tracepoints(endpoint.events)});
    }
    const auto end_key = parse_text(pair.to.key);
    const auto end_filter = parse_text(pair.to.filter);
    if (!outcome_.errors.empty()) {
      return;
    }
    const std::vector<Tracepoint> ends = tracepoints(pair.to.events);
    if (!outcome_.errors.empty()) {
      return;
    }
    bind_pair(pair, starts, ends, end_filter ? &*end_filter : nullptr, *end_key);
  }

  void bind_pair(const config::Pair& pair, std::vector<Start>& starts, const std::vector<Tracepoint>& ends,
                 const Parsed* end_filter, const Parsed& end_key) {
    std::vector<BoundSite> start_sites;
    bind_starts(starts, start_sites);
    if (!outcome_.errors.empty()) {
      return;
    }
    std::vector<Captured> captures;
    refused_start_.reset();
    const FromBinder from = [&](const expression::Node& node) { return capture(node, start_sites, captures); };
    std::vector<BoundSite> end_sites;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      auto bound = bind_best(ends[i], i, end_filter, &end_key, true, from);
      if (!bound && refused_start_ && drop_first_site(starts, *refused_start_)) {
        bind_pair(pair, starts, ends, end_filter, end_key);
        return;
      }
      if (!bound) {
        add_error(std::move(bound.error()), pair.to.at);
        return;
      }
      end_sites.push_back(std::move(*bound));
    }
    for (const Tracepoint& end : ends) {
      metric_plan_.tracepoints.push_back(end.name);
    }
    if (end_sites.empty() || !make_key(end_sites, &start_sites.front().site->scope)) {
      return;
    }
    finish_pair(start_sites, end_sites, captures);
  }

  /// A start's site was chosen for its key and filter. When it can't answer a captured field, the next one is tried.
  static bool drop_first_site(std::vector<Start>& starts, const std::string& tracepoint) {
    for (Start& start : starts) {
      for (Tracepoint& candidate : start.found) {
        if (candidate.name == tracepoint && candidate.sites.size() > 1) {
          candidate.sites.erase(candidate.sites.begin());
          return true;
        }
      }
    }
    return false;
  }

  void bind_starts(const std::vector<Start>& starts, std::vector<BoundSite>& sites) {
    for (const Start& start : starts) {
      for (std::size_t i = 0; i < start.found.size(); ++i) {
        auto bound = bind_best(start.found[i], i, start.filter ? &*start.filter : nullptr, &start.key, false);
        if (!bound) {
          add_error(std::move(bound.error()), start.endpoint->at);
          return;
        }
        sites.push_back(std::move(*bound));
      }
    }
  }

  Result<BoundPtr> capture(const expression::Node& node, const std::vector<BoundSite>& starts,
                           std::vector<Captured>& captures) {
    const NodePtr plain = without_from(node);
    const std::string text = expression::to_text(*plain);
    for (const Captured& known : captures) {
      if (known.text == text) {
        return make_bound(StartValue{known.offset}, known.type);
      }
    }
    Captured fresh{text, plain, {}, 0, {}};
    std::vector<ValueType> types;
    for (const BoundSite& start : starts) {
      auto bound = bind_start_value(*plain, start);
      if (!bound) {
        refused_start_ = start.tracepoint->name;
        return fail(std::move(bound.error()));
      }
      types.push_back((*bound)->type);
      fresh.by_start.push_back(*bound);
    }
    auto type = common_type(types);
    if (!type) {
      return fail(std::move(type.error()).with_context("\"from." + text + "\" "));
    }
    fresh.type = *type;
    fresh.offset = captures.empty() ? 0 : captures.back().offset + (captures.back().type.size + 7) / 8 * 8;
    captures.push_back(std::move(fresh));
    return make_bound(StartValue{captures.back().offset}, captures.back().type);
  }

  static Result<BoundPtr> bind_start_value(const expression::Node& node, const BoundSite& start) {
    Scope scope = start.site->scope;
    scope.probe = make_bound(Constant{static_cast<std::int64_t>(start.position)}, {ValueType::Kind::Integer, 4, false});
    return bind(node, scope);
  }

  void finish_pair(const std::vector<BoundSite>& starts, const std::vector<BoundSite>& ends,
                   const std::vector<Captured>& captures) {
    PairLayout layout;
    layout.payload_size = captures.empty() ? 0 : captures.back().offset + (captures.back().type.size + 7) / 8 * 8;
    // Ids are dense in their low bits; addresses and numbers of other kinds are not.
    layout.hashed = std::any_of(starts.begin(), starts.end(), [](const BoundSite& s) { return s.key->type.size > 4; });
    metric_plan_.pair = layout;
    make_value(ends, !value_);
    if (!find_retired_label(ends)) {
      return;
    }
    set_help("Time from " + starts.front().tracepoint->name + " to " + metric_plan_.tracepoints.front() +
             " in seconds.");
    add_units(
        starts,
        [&](std::size_t i) {
          PairStart start{starts[i].key, {}};
          for (const Captured& captured : captures) {
            start.captures.push_back({captured.by_start[i], captured.offset});
          }
          return start;
        },
        captures);
    add_units(ends, [&](std::size_t i) {
      return PairEnd{ends[i].key, ends[i].count_filter, Count{ends[i].labels, ends[i].value}};
    });
    std::vector<std::string> names;
    for (const BoundSite& start : starts) {
      names.push_back(start.tracepoint->name);
    }
    metric_plan_.tracepoints.insert(metric_plan_.tracepoints.begin(), names.begin(), names.end());
    std::vector<BoundSite> all = starts;
    all.insert(all.end(), ends.begin(), ends.end());
    finish(all);
  }

  const config::Metric& metric_;
  const std::string& name_;
  std::size_t index_;
  const kernel::Kernel& kernel_;
  const Options& options_;
  std::optional<Parsed> filter_;
  std::optional<Parsed> value_;
  std::vector<ParsedLabel> labels_;
  std::vector<std::string> notes_;
  std::optional<std::string> refused_start_;  ///< the tracepoint whose site could not give a captured value
  PlannedMetric metric_plan_;
  MetricOutcome outcome_;
};

}  // namespace

MetricOutcome plan_metric(const config::Metric& metric, const std::string& full_name, std::size_t index,
                          const kernel::Kernel& kernel, const Options& options) {
  return MetricPlanner(metric, full_name, index, kernel, options).run();
}

}  // namespace tpx::plan
