#include "plan/pair_planner.h"

#include <algorithm>

#include "plan/layout.h"
#include "plan/metric_steps.h"

namespace tpx::plan {

namespace {

class PairPlanner : private MetricSteps {
 public:
  using MetricSteps::MetricSteps;

  MetricOutcome run(const config::Pair& pair) {
    parse_all();
    plan(pair);
    return take();
  }

 private:
  struct Start {
    const config::Endpoint* endpoint = nullptr;
    Parsed key;
    std::optional<Parsed> filter;
    std::vector<Tracepoint> found;
  };

  void plan(const config::Pair& pair) {
    std::vector<Start> starts;
    bool complete = true;
    for (const config::Endpoint& endpoint : pair.from) {
      auto key = parse_text(endpoint.key);
      auto filter = parse_text(endpoint.filter);
      starts.push_back({&endpoint, key.value_or(Parsed{}), filter, tracepoints(endpoint.events)});
      complete = complete && key && !starts.back().found.empty();
    }
    const auto end_key = parse_text(pair.to.key);
    const auto end_filter = parse_text(pair.to.filter);
    std::vector<Tracepoint> ends = tracepoints(pair.to.events);
    if (!complete || !end_key || ends.empty()) {
      return;
    }
    bind_pair(pair, starts, ends, end_filter ? &*end_filter : nullptr, *end_key);
  }

  void bind_pair(const config::Pair& pair, std::vector<Start>& starts, std::vector<Tracepoint>& ends,
                 const Parsed* end_filter, const Parsed& end_key) {
    std::vector<BoundSite> start_sites;
    if (!bind_starts(starts, start_sites)) {
      return;
    }
    std::vector<Captured> captures;
    refused_start_.reset();
    const FromBinder from = [&](const expression::Node& node) { return capture(node, start_sites, captures); };
    std::vector<BoundSite> end_sites;
    std::vector<Errors> wrong;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      auto bound = bind_best(ends[i], i, end_filter, &end_key, true, from);
      if (!bound && refused_start_ && drop_first_site(starts, *refused_start_)) {
        bind_pair(pair, starts, ends, end_filter, end_key);
        return;
      }
      if (bound) {
        end_sites.push_back(std::move(*bound));
      } else {
        wrong.push_back(std::move(bound.error()));
      }
    }
    for (Errors& errors : wrong) {
      add_errors(std::move(errors), pair.to.at);
    }
    if (!wrong.empty()) {
      return;
    }
    if (const std::string* split = split_tracepoint(start_sites, end_sites)) {
      // One of the two programs would run first, and an event's end must come before its start.
      const std::string tracepoint = *split;
      drop_first_site(starts, tracepoint);
      drop_first_site(ends, tracepoint);
      bind_pair(pair, starts, ends, end_filter, end_key);
      return;
    }
    for (const Tracepoint& end : ends) {
      metric_plan_.tracepoints.push_back(end.name);
    }
    if (end_sites.empty() || !make_key(end_sites, &start_sites.front().site->scope)) {
      return;
    }
    finish_pair(start_sites, end_sites, captures);
  }

  /// The tracepoint that both starts and ends pairs, in programs of different kinds; null when there is none.
  static const std::string* split_tracepoint(const std::vector<BoundSite>& starts, const std::vector<BoundSite>& ends) {
    for (const BoundSite& start : starts) {
      for (const BoundSite& end : ends) {
        if (start.tracepoint->name == end.tracepoint->name && start.site->point.type != end.site->point.type) {
          return &start.tracepoint->name;
        }
      }
    }
    return nullptr;
  }

  static bool drop_first_site(std::vector<Tracepoint>& tracepoints, const std::string& name) {
    for (Tracepoint& candidate : tracepoints) {
      if (candidate.name == name && candidate.sites.size() > 1) {
        candidate.sites.erase(candidate.sites.begin());
        return true;
      }
    }
    return false;
  }

  /// A start's site was chosen for its key and filter. When it can't answer a captured field, the next one is tried.
  static bool drop_first_site(std::vector<Start>& starts, const std::string& tracepoint) {
    bool dropped = false;
    for (Start& start : starts) {
      dropped = drop_first_site(start.found, tracepoint) || dropped;
    }
    return dropped;
  }

  /// False after errors.
  bool bind_starts(const std::vector<Start>& starts, std::vector<BoundSite>& sites) {
    bool good = true;
    for (const Start& start : starts) {
      for (std::size_t i = 0; i < start.found.size(); ++i) {
        auto bound = bind_best(start.found[i], i, start.filter ? &*start.filter : nullptr, &start.key, false);
        if (bound) {
          sites.push_back(std::move(*bound));
        } else {
          add_errors(std::move(bound.error()), start.endpoint->at);
          good = false;
        }
      }
    }
    return good;
  }

  Result<BoundPtr> capture(const expression::Node& node, const std::vector<BoundSite>& starts,
                           std::vector<Captured>& captures) {
    const expression::NodePtr plain = without_from(node);
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
            start.captures.push_back({captured.by_start[i], captured.offset, (captured.type.size + 7) / 8 * 8});
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

  std::optional<std::string> refused_start_;  ///< the tracepoint whose site could not give a captured value
};

}  // namespace

MetricOutcome plan_pair(const config::Metric& metric, const std::string& full_name, std::size_t index,
                        const kernel::Kernel& kernel, const Options& options) {
  return PairPlanner(metric, full_name, index, kernel, options).run(std::get<config::Pair>(metric.source));
}

}  // namespace tpx::plan
