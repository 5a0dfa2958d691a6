#include "plan/object_plan.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "base/words.h"
#include "config/source_text.h"
#include "plan/layout.h"
#include "plan/object_labels.h"
#include "typed/bind.h"
#include "typed/entry_names.h"

namespace tpx::plan {

namespace {

using kernel::Btf;

using config::in_quotes;

class ObjectPlanner {
 public:
  ObjectPlanner(const config::ObjectMetric& metric, const Btf& btf, const Options& options)
      : metric_(metric), btf_(btf), options_(options) {}

  std::optional<ObjectMetricPlan> run(const std::string& full_name, const std::vector<ObjectMap>& maps, unsigned cpus,
                                      Errors& errors) {
    if (auto found = find_map(maps); !found) {
      wrong_.push_back(std::move(found.error()));
    } else {
      keep(check_unsupported());
      keep(make_value());
      make_labels();
      keep(make_filter());
    }
    for (Error& error : wrong_) {
      errors.push_back(std::move(error).with_context("metric " + in_quotes(full_name) + ": ").at(metric_.at));
    }
    if (!wrong_.empty()) {
      return std::nullopt;
    }
    finish(full_name, cpus);
    return std::move(result_);
  }

 private:
  void keep(Result<void> step) {
    if (!step) {
      wrong_.push_back(std::move(step.error()));
    }
  }

  Result<void> find_map(const std::vector<ObjectMap>& maps) {
    const auto found =
        std::find_if(maps.begin(), maps.end(), [&](const ObjectMap& map) { return map.name == metric_.map.value; });
    if (found == maps.end()) {
      std::vector<std::string> names;
      for (const ObjectMap& map : maps) {
        names.push_back(map.name);
      }
      const std::string near = did_you_mean(metric_.map.value, names);
      return fail(Error{"the object has no map " + in_quotes(metric_.map.value),
                        !near.empty()   ? near
                        : names.empty() ? "it has no maps"
                                        : "it has " + joined(names),
                        metric_.map.at});
    }
    if (!found->readable) {
      return fail(Error{"map " + in_quotes(found->name) + " is a " + found->kind + ", which has no rows to read",
                        "use a hash or an array, per CPU or not, or their LRU variants", metric_.map.at});
    }
    if (found->key_type == 0 || found->value_type == 0) {
      return fail(Error{"map " + in_quotes(found->name) + " says the size of its key and value, not their types",
                        "declare it with __type(key, …) and __type(value, …)", metric_.map.at});
    }
    ObjectRows& rows = result_.rows;
    rows.map = *found;
    if (metric_.max_series > 0 && !found->array) {
      rows.map.max_entries = metric_.max_series;
    }
    names_.emplace(typed::EntryTypes{&btf_, found->name, found->key_type, found->value_type, found->per_cpu});
    return {};
  }

  Result<void> check_unsupported() {
    if (metric_.retire_on_exit) {
      return fail(Error{"retire_on_exit is for metrics of tracepoints: the rows of a map belong to its program",
                        "delete the key in a program on sched_process_exit", metric_.retire_on_exit->at});
    }
    if (metric_.max_series > 0 && result_.rows.map.array) {
      return fail(Error{"map " + in_quotes(result_.rows.map.name) + " is an array, whose size belongs to its program",
                        "remove max_series", metric_.at});
    }
    return {};
  }

  Result<TypedExprPtr> bind_integer(const config::Expression& expression, const std::string& what) {
    auto value = typed::bind(*expression.node, *names_, expression.at, &comparisons_);
    if (value && (*value)->type.kind != schema::ValueType::Kind::Integer) {
      return fail(Error{what + " is not an integer: " + expression.text, {}, expression.at});
    }
    return value;
  }

  /// `key.NAME` or `value.NAME`, at the place that names the map; the whole of it without a name.
  [[nodiscard]] config::Expression place_of(expression::Argument::Root root, const std::string& name) const {
    const expression::Node node{expression::Argument{name, false, root}};
    return {expression::to_text(node), std::make_shared<const expression::Node>(node), metric_.map.at};
  }

  /// The only integer in the value, where there is no `value:`.
  Result<TypedExprPtr> only_integer() {
    const Btf::Type type = btf_.resolve(names_->types().value_type);
    if (type.kind != Btf::Kind::Struct) {
      auto value = typed::value_at({typed::EntryArea::Value, 0, 0, names_->types().value_type}, btf_);
      if (!value || (*value)->type.kind != schema::ValueType::Kind::Integer) {
        return fail("the value of map " + in_quotes(names_->types().map) + " is " +
                        typed::type_text(names_->types().value_type, btf_) + ", not an integer",
                    "say which part with `value: value[0]`");
      }
      return value;
    }
    std::vector<std::string> names = btf_.member_names(type.id);
    std::erase_if(names, is_padding);
    if (names.size() != 1) {
      return fail("the value of map " + in_quotes(names_->types().map) + " is " +
                      typed::type_text(names_->types().value_type, btf_) + ", with members " + joined(names),
                  "say which one with `value: value." + (names.empty() ? "NAME" : names.front()) + "`");
    }
    return bind_integer(place_of(expression::Argument::Root::Value, names.front()), "the value");
  }

  Result<void> make_value() {
    schema::MetricSchema& plan = result_.planned.plan;
    plan.scale = metric_.scale;
    if (metric_.type == config::MetricType::Histogram) {
      return make_histogram();
    }
    auto value = metric_.value ? bind_integer(*metric_.value, "the value") : only_integer();
    if (!value) {
      return fail(std::move(value.error()));
    }
    plan.value.kind =
        metric_.type == config::MetricType::Gauge ? schema::MetricKind::Gauge : schema::MetricKind::Counter;
    plan.value.is_signed = (*value)->type.is_signed;
    result_.rows.value = *value;
    return {};
  }

  // ---- histograms -------------------------------------------------------------------------------------------------

  Result<void> make_histogram() {
    schema::ValueLayout& value = result_.planned.plan.value;
    value.kind = schema::MetricKind::Histogram;
    set_bounds(value, metric_.buckets->bounds(), metric_.scale);
    const Btf::Type type = btf_.resolve(names_->types().value_type);
    const bool in_value = type.kind == Btf::Kind::Struct || type.kind == Btf::Kind::Array;
    return in_value ? buckets_in_value(type) : bucket_in_key();
  }

  [[nodiscard]] bool is_bucket_array(std::uint32_t id) const {
    const Btf::Type type = btf_.resolve(id);
    const Btf::Type element = btf_.resolve(type.target);
    return type.kind == Btf::Kind::Array && element.kind == Btf::Kind::Integer && !element.is_char && element.size <= 8;
  }

  /// The place of the bucket array: what `value:` names, or the only array of integers.
  Result<typed::EntryPlace> find_buckets(const Btf::Type& type) {
    if (metric_.value) {
      auto place = names_->find(*metric_.value->node);
      if (!place) {
        return fail(std::move(place.error()).at(metric_.value->at));
      }
      if (!is_bucket_array(place->type)) {
        return fail(Error{in_quotes(metric_.value->text) + " is " + typed::type_text(place->type, btf_) +
                              ", not an array of integers: the buckets",
                          {},
                          metric_.value->at});
      }
      return place;
    }
    std::vector<typed::EntryPlace> found;
    if (type.kind == Btf::Kind::Struct) {
      for (const std::string& name : btf_.member_names(type.id)) {
        const auto member = btf_.member(type.id, name);
        if (member && is_bucket_array(member->type)) {
          found.push_back({typed::EntryArea::Value, member->bit_offset, 0, member->type});
        }
      }
    }
    if (found.size() != 1) {
      return fail("the value of map " + in_quotes(names_->types().map) + " has " + std::to_string(found.size()) +
                      " arrays of integers that may be the buckets",
                  "let it be a struct with one array and a member `sum`, or say which with `value: value.NAME`");
    }
    return found.front();
  }

  Result<void> buckets_in_value(const Btf::Type& type) {
    auto place = find_buckets(type);
    if (!place) {
      return fail(std::move(place.error()));
    }
    const Btf::Type array = btf_.resolve(place->type);
    const std::size_t wanted = result_.planned.plan.value.bounds.size() + 1;
    if (array.length != wanted) {
      return fail(Error{"map " + in_quotes(names_->types().map) + " keeps " + std::to_string(array.length) +
                            " buckets, the metric has " + std::to_string(wanted - 1) + " bounds",
                        "one bucket for each bound and one for what is above the last: " +
                            std::to_string(array.length - 1) + " bounds",
                        metric_.buckets->at});
    }
    const auto sum = type.kind == Btf::Kind::Struct ? btf_.member(type.id, "sum") : std::nullopt;
    if (!sum) {
      return fail("the value of map " + in_quotes(names_->types().map) + " has no member `sum`",
                  "a histogram has the sum of what it observed beside its buckets: add `__u64 sum;`");
    }
    auto value = typed::value_at({typed::EntryArea::Value, sum->bit_offset, sum->bit_size, sum->type}, btf_);
    if (!value || (*value)->type.kind != schema::ValueType::Kind::Integer) {
      return fail("member `sum` of map " + in_quotes(names_->types().map) + " is not an integer");
    }
    result_.rows.sum = *value;
    result_.planned.plan.value.is_signed = (*value)->type.is_signed;
    result_.rows.buckets = ObjectRows::Buckets{place->bit_offset / 8, btf_.resolve(array.target).size, array.length};
    return {};
  }

  Result<void> bucket_in_key() {
    const Btf::Type key = btf_.resolve(names_->types().key_type);
    std::vector<std::string> names;
    if (key.kind == Btf::Kind::Struct) {
      names = btf_.member_names(key.id);
      std::erase_if(names, is_padding);
    }
    const auto bucket = place_of(expression::Argument::Root::Key, names.empty() ? "" : names.back());
    auto value = bind_integer(bucket, "the bucket, " + bucket.text + ",");
    auto count = value && metric_.value ? bind_integer(*metric_.value, "the value") : only_integer();
    if (!value || !count) {
      return fail(std::move(value ? count.error() : value.error()));
    }
    result_.rows.bucket = *value;
    result_.rows.value = *count;
    return {};
  }

  // ---- labels -----------------------------------------------------------------------------------------------------

  void make_labels() {
    std::vector<ObjectLabel> labels;
    if (metric_.labels) {
      for (const config::Label& label : *metric_.labels) {
        auto bound = bind_label(label, *names_, options_, comparisons_);
        if (bound) {
          labels.push_back(std::move(*bound));
        } else {
          wrong_.push_back(std::move(bound.error()));
        }
      }
    } else {
      const ObjectMap& map = result_.rows.map;
      auto found = labels_of_key(*names_, map.array && map.max_entries == 1);
      if (!found) {
        wrong_.push_back(std::move(found.error()));
        return;
      }
      labels = std::move(*found);
      if (result_.rows.bucket && !labels.empty()) {
        labels.pop_back();
      }
    }
    std::vector<schema::KeyField> fields;
    for (ObjectLabel& label : labels) {
      result_.rows.by_cpu = result_.rows.by_cpu || typed::uses_cpu(*label.value);
      result_.rows.labels.push_back(std::move(label.value));
      fields.push_back(std::move(label.field));
    }
    auto layout = lay_out(std::move(fields));
    if (!layout) {
      wrong_.push_back(std::move(layout.error()));
      return;
    }
    result_.planned.plan.key = std::move(*layout);
  }

  Result<void> make_filter() {
    if (metric_.filter) {
      auto filter = bind_integer(*metric_.filter, "the filter");
      if (!filter) {
        return fail(std::move(filter.error()));
      }
      result_.rows.filter = *filter;
    }
    return {};
  }

  void finish(const std::string& full_name, unsigned cpus) {
    PlannedMetric& planned = result_.planned;
    schema::MetricSchema& plan = planned.plan;
    plan.name = full_name;
    plan.help = metric_.help ? metric_.help->value : "From BPF map " + names_->types().map + ".";
    plan.at = metric_.name.at;
    plan.store.max_series = result_.rows.map.max_entries;
    plan.store.reason = "as the object defines it";
    plan.store.region.cpus = cpus;
    plan.region_map = result_.rows.map.name;
    planned.attach_reason = "as the object's sections say";
    planned.warnings = comparisons_.warnings();
    for (Error& warning : planned.warnings) {
      warning = std::move(warning).with_context("metric " + in_quotes(full_name) + ": ");
    }
    planned.counts_events = metric_.type == config::MetricType::Histogram || (!metric_.value && metric_.scale == 1);
  }

  const config::ObjectMetric& metric_;
  const Btf& btf_;
  const Options& options_;
  std::optional<typed::EntryNames> names_;  ///< of the map, once it is found
  Errors wrong_;
  typed::Comparisons comparisons_;
  ObjectMetricPlan result_;
};

}  // namespace

Result<ObjectMetricPlan> plan_object_metric(const config::ObjectMetric& metric, const std::string& full_name,
                                            const std::vector<ObjectMap>& maps, const Btf& btf, unsigned cpus,
                                            const Options& options) {
  Errors errors;
  auto planned = plan_object_metric(metric, full_name, maps, btf, cpus, options, errors);
  return planned ? Result<ObjectMetricPlan>(std::move(*planned)) : fail(std::move(errors.front()));
}

std::optional<ObjectMetricPlan> plan_object_metric(const config::ObjectMetric& metric, const std::string& full_name,
                                                   const std::vector<ObjectMap>& maps, const Btf& btf, unsigned cpus,
                                                   const Options& options, Errors& errors) {
  return ObjectPlanner(metric, btf, options).run(full_name, maps, cpus, errors);
}

}  // namespace tpx::plan
