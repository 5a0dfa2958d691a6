#include "plan/pair_planner.h"

#include <algorithm>

#include "expression/tree.h"
#include "plan/layout.h"
#include "plan/metric_steps.h"
#include "typed/bind.h"
#include "typed/user_memory.h"

namespace tpx::plan {

namespace {

class PairPlanner : private MetricSteps {
 public:
  using MetricSteps::MetricSteps;

  MetricOutcome run(const config::Pair& pair) {
    read_labels();
    plan(pair);
    return take();
  }

 private:
  struct Start {
    const config::Endpoint* endpoint = nullptr;
    std::vector<Tracepoint> found;
  };

  void plan(const config::Pair& pair) {
    std::vector<Start> starts;
    bool complete = pair.to.key.node != nullptr;
    for (const config::Endpoint& endpoint : pair.from) {
      starts.push_back({&endpoint, tracepoints(endpoint.events)});
      complete = complete && endpoint.key.node && !starts.back().found.empty();
    }
    std::vector<Tracepoint> ends = tracepoints(pair.to.events);
    if (complete && !ends.empty()) {
      bind_pair(pair, starts, ends);
    }
  }

  void bind_pair(const config::Pair& pair, std::vector<Start>& starts, std::vector<Tracepoint>& ends) {
    std::vector<BoundSite> start_sites;
    if (!bind_starts(starts, start_sites)) {
      return;
    }
    std::vector<Captured> captures;
    refused_start_.reset();
    reads_at_end_ = reads_at_end(starts, ends, pair.to.key);
    const typed::StartBinder from = [&](const expression::Node& node) { return capture(node, start_sites, captures); };
    std::vector<BoundSite> end_sites;
    std::vector<Errors> wrong;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      auto bound = bind_best(ends[i], i, filter_of(pair.to), &pair.to.key, true, from);
      if (!bound && refused_start_ && drop_first_site(starts, *refused_start_)) {
        bind_pair(pair, starts, ends);
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
      bind_pair(pair, starts, ends);
      return;
    }
    for (const Tracepoint& end : ends) {
      metric_plan_.tracepoints.push_back(end.name);
    }
    if (end_sites.empty() || !make_key(end_sites, start_sites.front().site->names.get())) {
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

  static const config::Expression* filter_of(const config::Endpoint& endpoint) {
    return endpoint.filter ? &*endpoint.filter : nullptr;
  }

  /// False after errors.
  bool bind_starts(const std::vector<Start>& starts, std::vector<BoundSite>& sites) {
    bool good = true;
    for (const Start& start : starts) {
      for (std::size_t i = 0; i < start.found.size(); ++i) {
        auto bound = bind_best(start.found[i], i, filter_of(*start.endpoint), &start.endpoint->key, false);
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

  /// Whether a pointer of the start is still good at the end: both are in one system call of one thread. Its page need not
  /// be in memory where the call begins; at the end the kernel has read it, or has written it. execve() is left out: where it
  /// ends, the memory is that of another program.
  static bool reads_at_end(const std::vector<Start>& starts, const std::vector<Tracepoint>& ends,
                           const config::Expression& end_key) {
    const auto is_tid = [](const config::Expression& key) {
      const auto* builtin = std::get_if<expression::BuiltinRef>(&key.node->value);
      return builtin != nullptr && builtin->builtin == expression::Builtin::Tid && !builtin->from;
    };
    const auto ends_call = [](const Tracepoint& end) {
      return end.name.starts_with("syscalls/sys_exit_") || end.name == "raw_syscalls/sys_exit";
    };
    const auto begins_call = [](const Tracepoint& start) {
      constexpr std::string_view kEnter = "syscalls/sys_enter_";
      return start.name.starts_with(kEnter) && !start.name.substr(kEnter.size()).starts_with("execve");
    };
    return is_tid(end_key) && std::all_of(ends.begin(), ends.end(), ends_call) &&
           std::all_of(starts.begin(), starts.end(), [&](const Start& start) {
             return is_tid(start.endpoint->key) && std::all_of(start.found.begin(), start.found.end(), begins_call);
           });
  }

  Result<TypedExprPtr> capture(const expression::Node& node, const std::vector<BoundSite>& starts,
                               std::vector<Captured>& captures) {
    const expression::NodePtr plain = expression::strip_from(node);
    std::vector<TypedExprPtr> by_start;
    for (const BoundSite& start : starts) {
      auto bound = bind_start_value(*plain, start);
      if (!bound) {
        refused_start_ = start.tracepoint->name;
        return fail(std::move(bound.error()));
      }
      by_start.push_back(*bound);
    }
    const TypedExprPtr read = by_start.front();
    std::vector<TypedExprPtr> addresses = reads_at_end_ ? addresses_of(by_start) : std::vector<TypedExprPtr>();
    if (addresses.empty()) {
      return keep(expression::to_text(*plain), std::move(by_start), captures);
    }
    return keep(expression::to_text(*plain), std::move(addresses), captures).map([&](const TypedExprPtr& address) {
      return typed::with_user_read_base(read, address);
    });
  }

  /// The addresses from which the starts' values are read, where those are one and the same read of user memory.
  static std::vector<TypedExprPtr> addresses_of(const std::vector<TypedExprPtr>& values) {
    const TypedExprPtr anywhere = typed::constant(0);
    std::vector<TypedExprPtr> addresses;
    std::string same;
    for (const TypedExprPtr& value : values) {
      TypedExprPtr address = typed::user_read_base(value);
      if (!address) {
        return {};
      }
      const std::string read = typed::signature(*typed::with_user_read_base(value, anywhere));
      if (!addresses.empty() && read != same) {
        return {};
      }
      same = read;
      addresses.push_back(std::move(address));
    }
    return addresses;
  }

  /// The value that the start keeps, each distinct one once.
  static Result<TypedExprPtr> keep(const std::string& text, std::vector<TypedExprPtr> by_start,
                                   std::vector<Captured>& captures) {
    std::string identity;
    std::vector<schema::ValueType> types;
    typed::AddressOf address = by_start.front()->address_of;
    for (const TypedExprPtr& value : by_start) {
      identity += typed::signature(*value) + "|";
      types.push_back(value->type);
      address = value->address_of == address ? address : typed::AddressOf::Nothing;
    }
    const auto known = std::find_if(captures.begin(), captures.end(),
                                    [&](const Captured& other) { return other.identity == identity; });
    if (known != captures.end()) {
      return typed::as_address(typed::make_typed(typed::StartValue{known->offset}, known->type), address);
    }
    auto type = common_type(types);
    if (!type) {
      return fail(std::move(type.error()).with_context("\"from." + text + "\" "));
    }
    const std::uint32_t offset =
        captures.empty() ? 0 : captures.back().offset + (captures.back().type.size + 7) / 8 * 8;
    captures.push_back({std::move(identity), *type, offset, std::move(by_start)});
    return typed::as_address(typed::make_typed(typed::StartValue{offset}, *type), address);
  }

  static Result<TypedExprPtr> bind_start_value(const expression::Node& node, const BoundSite& start) {
    return typed::bind(node, typed::MetricNames(*start.site->names, position_of(start.position)));
  }

  void finish_pair(const std::vector<BoundSite>& starts, const std::vector<BoundSite>& ends,
                   const std::vector<Captured>& captures) {
    PairLayout layout;
    layout.payload_size = captures.empty() ? 0 : captures.back().offset + (captures.back().type.size + 7) / 8 * 8;
    // Ids are dense in their low bits; addresses and numbers of other kinds are not.
    layout.hashed = std::any_of(starts.begin(), starts.end(), [](const BoundSite& s) { return s.key->type.size > 4; });
    metric_plan_.pair = layout;
    make_value(ends, !metric_.value);
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
    std::vector<BoundSite> end_sites = ends;
    for (BoundSite& end : end_sites) {
      end.end_filter = std::move(end.filter);  // an event that it refuses ends the pair, too
      end.filter = nullptr;
      end.restarts = end.end_filter ? restarts(end, starts) : nullptr;
    }
    add_units(end_sites, [&](std::size_t i) {
      const BoundSite& end = end_sites[i];
      return PairEnd{end.key, end.end_filter, end.count_filter, end.restarts, Count{end.labels, end.value}};
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

  /// Which events of an end's tracepoint start a pair of the same key; null when none do.
  static TypedExprPtr restarts(const BoundSite& end, const std::vector<BoundSite>& starts) {
    TypedExprPtr any;
    for (const BoundSite& start : starts) {
      if (start.tracepoint->name != end.tracepoint->name ||
          typed::signature(*start.key) != typed::signature(*end.key)) {
        continue;
      }
      const TypedExprPtr begins = start.filter ? start.filter : typed::constant(1);
      any =
          any ? typed::make_typed(typed::BinaryExpr{expression::BinaryOp::LogicOr, any, begins, false}, schema::kTruth)
              : begins;
    }
    return any;
  }

  bool reads_at_end_ = false;                 ///< user memory, at the end of the pair
  std::optional<std::string> refused_start_;  ///< the tracepoint whose site could not give a captured value
};

}  // namespace

MetricOutcome plan_pair(const config::Metric& metric, const std::string& full_name, std::size_t index,
                        const kernel::Kernel& kernel, const Options& options) {
  return PairPlanner(metric, full_name, index, kernel, options).run(std::get<config::Pair>(metric.source));
}

}  // namespace tpx::plan
