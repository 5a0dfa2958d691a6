#include "plan/metric_steps.h"

#include <algorithm>
#include <map>

#include "plan/layout.h"

namespace tpx::plan {

namespace {

std::string signature_of(const BoundSite& bound) {
  std::string text = bound.filter ? signature(*bound.filter) : "";
  for (const BoundPtr& filter : {bound.count_filter, bound.end_filter, bound.restarts}) {
    text += "|" + (filter ? signature(*filter) : "");
  }
  text += "|" + (bound.key ? signature(*bound.key) : "") + "|" + (bound.value ? signature(*bound.value) : "");
  for (const BoundPtr& label : bound.labels) {
    text += "|" + signature(*label);
  }
  return text;
}

}  // namespace

void MetricSteps::add_error(Error error, const SourceLocation& at) {
  outcome_.errors.push_back(std::move(error).at(at));
}

std::optional<Parsed> MetricSteps::parse_text(const std::optional<config::Text>& text) {
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

void MetricSteps::parse_all() {
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

std::vector<Tracepoint> MetricSteps::tracepoints(const config::Events& events) {
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

Result<BoundPtr> MetricSteps::bind_integer(const Parsed& parsed, Scope scope, const std::string& what) {
  scope.at = parsed.at;
  auto bound = bind(*parsed.node, scope);
  if (bound && (*bound)->type.kind != ValueType::Kind::Integer) {
    return fail(Error{what + " must be an integer, \"" + expression::to_text(*parsed.node) + "\" is not", "",
                      expression::location_of(*parsed.node, parsed.at)});
  }
  return bound;
}

Result<BoundSite> MetricSteps::bind_at(const Tracepoint& tracepoint, const Site& site, std::size_t position,
                                       const Parsed* filter, const Parsed* key, bool counts, const FromBinder& from) {
  BoundSite result;
  result.tracepoint = &tracepoint;
  result.site = &site;
  result.position = position;
  Comparisons comparisons;
  Scope scope = site.scope;
  scope.comparisons = &comparisons;
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
    comparisons_.merge(comparisons);
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
    auto bound = bind_label(label, scope);
    if (!bound) {
      return fail(std::move(bound.error()));
    }
    if (auto fits = check_decoder_input(label, (*bound)->type, (*bound)->address_of); !fits) {
      return fail(std::move(fits.error()));
    }
    result.labels.push_back(*bound);
  }
  comparisons_.merge(comparisons);
  return result;
}

Result<BoundSite> MetricSteps::bind_best(const Tracepoint& tracepoint, std::size_t position, const Parsed* filter,
                                         const Parsed* key, bool counts, const FromBinder& from) {
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

bool MetricSteps::make_key(const std::vector<BoundSite>& sites, const Scope* from) {
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
    note_address_of_text(label, sites, from);
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

Result<void> MetricSteps::name_fields(ParsedLabel& label, const std::vector<BoundSite>& sites, const Scope* from) {
  Result<void> result;
  for (const BoundSite& site : sites) {
    result = find_field_names(label, site.site->scope, from, kernel_);
    if (result) {
      break;
    }
  }
  return result;
}

/// A pointer to text as a label is a number of no use to anyone who reads it: right as configured, but hardly meant.
void MetricSteps::note_address_of_text(const ParsedLabel& label, const std::vector<BoundSite>& sites,
                                       const Scope* from) {
  const auto* field = std::get_if<expression::Argument>(&label.value->value);
  if (field == nullptr || !label.decoders.empty()) {
    return;
  }
  const Scope& scope = field->from && from != nullptr ? *from : sites.front().site->scope;
  const kernel::Field* found = scope.format == nullptr ? nullptr : scope.format->find(field->name);
  if (found != nullptr && found->is_pointer && found->type.find("char") != std::string::npos) {
    const std::string text = expression::to_text(*label.value);
    notes_.push_back("label \"" + label.name + "\" is an address; the text there is str(" + text + ")");
  }
}

void MetricSteps::make_value(const std::vector<BoundSite>& sites, bool duration) {
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
      set_bounds(value, metric_.buckets->bounds(), plan.scale);
      break;
  }
}

bool MetricSteps::find_retired_label(const std::vector<BoundSite>& sites) {
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

void MetricSteps::finish(const std::vector<BoundSite>& sites) {
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
  metric_plan_.warnings = comparisons_.warnings();
  for (Error& warning : metric_plan_.warnings) {
    warning = std::move(warning).with_context("metric \"" + metric_.name.value + "\": ");
  }
  outcome_.metric = std::move(metric_plan_);
}

void MetricSteps::set_help(const std::string& fallback) {
  metric_plan_.plan.help = metric_.help ? metric_.help->value : fallback;
}

Unit MetricSteps::make_unit(const BoundSite& site) const {
  Unit unit;
  unit.metric = index_;
  unit.filter = site.filter;
  if (site.site->dispatch) {
    unit.dispatch = site.site->dispatch;
    unit.dispatch->indexes.assign(1, static_cast<std::uint32_t>(site.position));
  }
  return unit;
}

void MetricSteps::add_units(const std::vector<BoundSite>& sites,
                            const std::function<std::variant<Count, PairStart, PairEnd>(std::size_t)>& action,
                            const std::vector<Captured>& captures) {
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

MetricOutcome MetricSteps::take() {
  if (!outcome_.errors.empty()) {
    outcome_.metric.reset();
    outcome_.units.clear();
    for (Error& error : outcome_.errors) {
      error = std::move(error).with_context("metric \"" + metric_.name.value + "\": ");
    }
  }
  return std::move(outcome_);
}

}  // namespace tpx::plan
