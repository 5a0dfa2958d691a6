#include "plan/metric_steps.h"

#include <algorithm>
#include <map>

#include "plan/lanes.h"
#include "plan/layout.h"
#include "typed/bind.h"

namespace tpx::plan {

namespace {

std::string signature_of(const BoundSite& bound) {
  std::string text = bound.filter ? typed::signature(*bound.filter) : "";
  for (const TypedExprPtr& filter : {bound.count_filter, bound.end_filter, bound.restarts}) {
    text += "|" + (filter ? typed::signature(*filter) : "");
  }
  text +=
      "|" + (bound.key ? typed::signature(*bound.key) : "") + "|" + (bound.value ? typed::signature(*bound.value) : "");
  for (const TypedExprPtr& label : bound.labels) {
    text += "|" + typed::signature(*label);
  }
  return text;
}

TypedExprPtr dispatch_index() {
  return typed::make_typed(typed::DispatchIndex{}, {schema::ValueType::Kind::Integer, 4, false});
}

}  // namespace

TypedExprPtr position_of(std::size_t position) {
  return typed::make_typed(typed::Constant{static_cast<std::int64_t>(position)},
                           {schema::ValueType::Kind::Integer, 4, false});
}

void MetricSteps::add_error(Error error, const SourceLocation& at) {
  outcome_.errors.push_back(std::move(error).at(at));
}

void MetricSteps::add_written_error(Error error, const SourceLocation& at) {
  written_wrong_ = true;
  add_error(std::move(error), at);
}

void MetricSteps::add_errors(Errors errors, const SourceLocation& at) {
  const std::size_t before = outcome_.errors.size();
  for (Error& error : errors) {
    error = std::move(error).at(at);
    const auto known = outcome_.errors.begin() + static_cast<std::ptrdiff_t>(before);
    if (std::none_of(outcome_.errors.begin(), known, [&](const Error& e) { return e.location == error.location; })) {
      outcome_.errors.push_back(std::move(error));
    }
  }
}

void MetricSteps::read_labels() {
  for (const config::Label& label : metric_.labels) {
    auto parsed = parse_label(label, options_);
    const auto named = parsed ? check_named_field(*parsed) : Result<void>();
    if (!parsed || !named) {
      add_written_error(parsed ? named.error() : parsed.error(), label.expression.at);
      continue;
    }
    labels_.push_back(std::move(*parsed));
  }
}

std::vector<Tracepoint> MetricSteps::tracepoints(const config::Events& events) {
  Tracepoints all = find_tracepoints(events, name_, kernel_, options_);
  if (all.found.empty()) {
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

Result<TypedExprPtr> MetricSteps::bind_integer(const config::Expression& expression, const typed::Names& names,
                                               const std::string& what, typed::Comparisons& comparisons) {
  auto bound = typed::bind(*expression.node, names, expression.at, &comparisons);
  if (bound && (*bound)->type.kind != schema::ValueType::Kind::Integer) {
    return fail(Error{what + " must be an integer, \"" + expression::to_text(*expression.node) + "\" is not", "",
                      expression::location_of(*expression.node, expression.at)});
  }
  return bound;
}

MetricSteps::Bound MetricSteps::bind_at(const Tracepoint& tracepoint, const Site& site, std::size_t position,
                                        const config::Expression* filter, const config::Expression* key, bool counts,
                                        const typed::StartBinder& from) {
  BoundSite result;
  result.tracepoint = &tracepoint;
  result.site = &site;
  result.position = position;
  typed::Comparisons comparisons;
  const typed::MetricNames names(*site.names, site.dispatch ? dispatch_index() : position_of(position), from);
  Errors errors;
  const auto keep = [&errors](Result<TypedExprPtr> bound, const SourceLocation& at, TypedExprPtr& target) {
    if (bound) {
      target = std::move(*bound);
    } else {
      errors.push_back(std::move(bound.error()).at(at));
    }
  };
  const auto keep_integer = [&](const config::Expression& expression, const char* what, TypedExprPtr& target) {
    keep(bind_integer(expression, names, what, comparisons), expression.at, target);
  };
  if (filter != nullptr) {
    keep_integer(*filter, "the filter", result.filter);
  }
  if (counts && metric_.filter) {
    keep_integer(*metric_.filter, "the filter", result.count_filter);
  }
  if (key != nullptr) {
    keep_integer(*key, "the key of a pair", result.key);
  }
  if (counts && metric_.value) {
    keep_integer(*metric_.value, "the value", result.value);
  }
  for (std::size_t i = 0; counts && i < labels_.size(); ++i) {
    const ParsedLabel& label = labels_[i];
    auto bound = bind_label(label, names, comparisons);
    if (auto fits = bound ? check_decoder_input(label, (*bound)->type, (*bound)->address_of) : Result<void>(); !fits) {
      bound = fail(std::move(fits.error()));
    }
    keep(std::move(bound), label.at, result.labels.emplace_back());
  }
  if (!errors.empty()) {
    return tl::unexpected(std::move(errors));
  }
  comparisons_.merge(comparisons);
  return result;
}

MetricSteps::Bound MetricSteps::bind_best(const Tracepoint& tracepoint, std::size_t position,
                                          const config::Expression* filter, const config::Expression* key, bool counts,
                                          const typed::StartBinder& from) {
  Bound last = tl::unexpected(Errors{Error{"no way to attach"}});
  for (const Site& site : tracepoint.sites) {
    last = bind_at(tracepoint, site, position, filter, key, counts, from);
    if (last) {
      return last;
    }
  }
  return last;
}

bool MetricSteps::make_key(const std::vector<BoundSite>& sites, const typed::EventNames* from) {
  std::vector<schema::KeyField> fields;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    ParsedLabel& label = labels_[i];
    std::vector<schema::ValueType> types;
    types.reserve(sites.size());
    for (const BoundSite& site : sites) {
      types.push_back(site.labels[i]->type);
    }
    auto type = common_type(types);
    if (!type) {
      add_error(std::move(type.error()).with_context("label \"" + label.name + "\" "), label.at);
      continue;
    }
    if (auto named = name_fields(label, sites, from); !named) {
      add_error(std::move(named.error()), label.at);
      continue;
    }
    note_address_of_text(label, sites, from);
    schema::KeyField field{label.name, 0, *type, label.decoders, {}};
    if (label.is_probe) {
      field.probe_names = metric_plan_.tracepoints;
    }
    fields.push_back(std::move(field));
  }
  if (!outcome_.errors.empty()) {
    return false;
  }
  auto layout = lay_out(std::move(fields));
  if (!layout) {
    add_error(std::move(layout.error()), metric_.at);
    return false;
  }
  metric_plan_.plan.key = std::move(*layout);
  return true;
}

Result<void> MetricSteps::name_fields(ParsedLabel& label, const std::vector<BoundSite>& sites,
                                      const typed::EventNames* from) {
  Result<void> result;
  for (const BoundSite& site : sites) {
    result = find_field_names(label, *site.site->names, from, kernel_);
    if (result) {
      break;
    }
  }
  return result;
}

void MetricSteps::check_names(const std::vector<Tracepoint>& found) {
  Errors errors;
  for (ParsedLabel& label : labels_) {
    Result<void> named;
    for (const Tracepoint& tracepoint : found) {
      named = find_field_names(label, *tracepoint.sites.back().names, nullptr, kernel_);
      if (named) {
        break;
      }
    }
    if (!named) {
      errors.push_back(std::move(named.error()).at(label.at));
    }
  }
  add_errors(std::move(errors), metric_.at);
}

/// A pointer to text as a label is a number of no use to anyone who reads it: right as configured, but hardly meant.
void MetricSteps::note_address_of_text(const ParsedLabel& label, const std::vector<BoundSite>& sites,
                                       const typed::EventNames* from) {
  const auto* field = std::get_if<expression::Argument>(&label.value->value);
  if (field == nullptr || !label.decoders.empty()) {
    return;
  }
  const typed::EventNames& names = field->from && from != nullptr ? *from : *sites.front().site->names;
  const auto& format = names.event().format;
  const kernel::Field* found = format ? format->find(field->name) : nullptr;
  if (found != nullptr && found->is_pointer && found->type.find("char") != std::string::npos) {
    const std::string text = expression::to_text(*label.value);
    notes_.push_back("label \"" + label.name + "\" is an address; the text there is str(" + text + ")");
  }
}

void MetricSteps::make_value(const std::vector<BoundSite>& sites, bool duration) {
  schema::MetricSchema& plan = metric_plan_.plan;
  plan.scale = metric_.scale * (duration ? 1e-9 : 1);
  schema::ValueLayout& value = plan.value;
  value.is_signed = !duration;
  metric_plan_.counts_events = metric_.type == config::MetricType::Histogram || (!metric_.value && !duration);
  for (const BoundSite& site : sites) {
    // Only an unsigned 64-bit value needs the unsigned comparison; everything else fits a signed number.
    if (site.value && !site.value->type.is_signed && site.value->type.size == 8) {
      value.is_signed = false;
    }
  }
  switch (metric_.type) {
    case config::MetricType::Counter:
      value.kind = schema::MetricKind::Counter;
      break;
    case config::MetricType::Gauge:
      value.kind = schema::MetricKind::Gauge;
      break;
    case config::MetricType::Histogram:
      value.kind = schema::MetricKind::Histogram;
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
    if (!labels_[i].decoders.empty() || sites.front().labels[i]->type.kind != schema::ValueType::Kind::Integer) {
      written_wrong_ = written_wrong_ || !labels_[i].decoders.empty();
      add_error(Error{"retire_on_exit: label \"" + labels_[i].name + "\" is not a plain process or thread id",
                      "let the label be pid, tid or a field that holds one"},
                metric_.retire_on_exit->at);
      return false;
    }
    metric_plan_.plan.retire_field = static_cast<std::uint32_t>(i);
    metric_plan_.plan.min_age = metric_.min_age;
    return true;
  }
  return true;
}

void MetricSteps::finish(const std::vector<BoundSite>& sites) {
  schema::MetricSchema& plan = metric_plan_.plan;
  plan.name = name_;
  plan.at = metric_.name.at;
  const bool rare = metric_.per_cpu ? !*metric_.per_cpu : std::ranges::all_of(metric_plan_.tracepoints, fires_rarely);
  plan.store = choose_store(plan.key, plan.value, metric_.max_series, kernel_, options_, rare);
  plan.store.region.births = plan.retire_field && plan.store.kind == schema::StoreKind::Table;
  plan.region_map = name_;
  plan.hash_map = plan.store.kind == schema::StoreKind::PerCpuHash ? name_ + ":hash" : "";
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
        text += "|" + typed::signature(*captured.by_start[i]);
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
    outcome_.kernel_dependent = !written_wrong_;
    for (Error& error : outcome_.errors) {
      error =
          std::move(error).with_context(metric_.name.value.empty() ? "" : "metric \"" + metric_.name.value + "\": ");
    }
  }
  return std::move(outcome_);
}

}  // namespace tpx::plan
