#include "service/identity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <variant>

#include "typed/expr.h"

namespace tpx::service {

namespace {

/// Raise it when codegen or the reader changes what the bytes of a map mean in a way that the layouts do not show.
constexpr int kStoreVersion = 1;

/// `name=value;` pieces. Texts from a configuration are quoted with their length, so that no two differ only in where one
/// ends.
class Writer {
 public:
  Writer& number(const char* name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Writer& real(const char* name, double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return raw(name, std::string(text.data(), end));
  }
  Writer& text(const char* name, const std::string& value) {
    return raw(name, std::to_string(value.size()) + ":" + value);
  }
  Writer& bound(const char* name, const plan::TypedExprPtr& value) {
    return value ? text(name, typed::signature(*value)).type("type", value->type) : raw(name, "none");
  }
  Writer& type(const char* name, const schema::ValueType& type) {
    return raw(name, std::to_string(static_cast<unsigned>(type.kind)) + "," + std::to_string(type.size) +
                         (type.is_signed ? "s" : "u"));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  Writer& raw(const char* name, const std::string& value) {
    text_ += name;
    text_ += '=';
    text_ += value;
    text_ += ';';
    return *this;
  }
  std::string text_;
};

void write(Writer& out, const schema::DecoderCall& call) {
  out.text("decoder", call.name).text("pattern", call.pattern);
  for (const auto& [value, name] : call.names) {
    out.number("value", value).text("name", name);
  }
  if (call.field_names == nullptr) {
    return;
  }
  for (const auto& [value, name] : call.field_names->symbols) {
    out.number("symbol", value).text("name", name);
  }
  for (const auto& [mask, name] : call.field_names->flags) {
    out.number("flag", mask).text("name", name);
  }
}

void write(Writer& out, const schema::KeyLayout& key) {
  out.number("key", key.size);
  for (const schema::KeyField& field : key.fields) {
    out.text("label", field.label).number("offset", field.offset).type("type", field.type);
    for (const std::string& name : field.probe_names) {
      out.text("probe", name);
    }
    for (const schema::DecoderCall& call : field.decoders) {
      write(out, call);
    }
  }
}

void write(Writer& out, const schema::ValueLayout& value) {
  out.number("kind", static_cast<std::uint64_t>(value.kind)).number("signed", value.is_signed ? 1 : 0);
  out.number("unreachable", value.unreachable);
  for (const std::int64_t bound : value.bounds) {
    out.number("bound", static_cast<std::uint64_t>(bound));
  }
  for (const double bound : value.exposed_bounds) {
    out.real("le", bound);
  }
}

void write(Writer& out, const schema::StorePlan& store) {
  const schema::RegionLayout& region = store.region;
  out.number("store", static_cast<std::uint64_t>(store.kind)).number("max_series", store.max_series);
  out.number("atomic", store.atomic ? 1 : 0).number("capacity", region.capacity).number("slots", region.slots);
  out.number("key_size", region.key_size).number("words", region.value_words).number("lanes", region.lanes);
  out.number("cpus", region.cpus).number("births", region.births ? 1 : 0);
  out.number("lane_rule", static_cast<std::uint64_t>(region.lane_rule)).number("copies", store.hash_copies());
  // Where the areas lie follows from these members and from the code that computes it.
  out.number("index", region.index_offset()).number("links", region.links_offset());
  out.number("places", region.places_offset()).number("keys", region.keys_offset());
  out.number("values", region.values_offset()).number("bytes", region.total_bytes());
}

void write(Writer& out, const plan::Count& count) {
  out.bound("value", count.value);
  for (const plan::TypedExprPtr& label : count.labels) {
    out.bound("expression", label);
  }
}

void write(Writer& out, const plan::PairStart& start) {
  out.bound("start", start.key);
  for (const plan::Capture& capture : start.captures) {
    out.bound("capture", capture.value).number("offset", capture.offset).number("size", capture.size);
  }
}

void write(Writer& out, const plan::PairEnd& end) {
  out.bound("end", end.key).bound("end_filter", end.end_filter).bound("filter", end.filter);
  out.bound("restarts", end.restarts).number("abandons", end.abandons ? 1 : 0);
  write(out, end.count);
}

void write(Writer& out, const plan::AttachPoint& point) {
  out.text("point", point.text()).number("id", point.id).number("type", static_cast<std::uint64_t>(point.type));
}

void write(Writer& out, const plan::Unit& unit) {
  if (unit.dispatch) {
    out.bound("syscall", unit.dispatch->number).bound("compat", unit.dispatch->compat);
    for (std::size_t i = 0; i < unit.dispatch->numbers.size(); ++i) {
      out.number("call", unit.dispatch->numbers[i]).number("index", unit.dispatch->indexes[i]);
    }
  }
  out.bound("filter", unit.filter);
  std::visit([&out](const auto& action) { write(out, action); }, unit.action);
}

void write(Writer& out, const plan::PlannedMetric& metric) {
  const schema::MetricSchema& schema = metric.plan;
  out.number("version", kStoreVersion).text("name", schema.name).real("scale", schema.scale);
  write(out, schema.key);
  write(out, schema.value);
  write(out, schema.store);
  out.number("retires", schema.retire_field ? 1 + std::uint64_t{*schema.retire_field} : 0);
  if (metric.pair) {
    out.number("pairs", metric.pair->slots).number("payload", metric.pair->payload_size);
    out.number("stride", metric.pair->stride());
  }
}

}  // namespace

std::vector<std::string> identities(const plan::Plan& plan) {
  std::vector<Writer> writers(plan.metrics.size());
  for (std::size_t i = 0; i < plan.metrics.size(); ++i) {
    write(writers[i], plan.metrics[i]);
  }
  // Where else a configuration attaches changes the order of its programs, not what a metric counts.
  std::vector<const plan::ProgramPlan*> programs;
  for (const plan::ProgramPlan& program : plan.programs) {
    programs.push_back(&program);
  }
  std::stable_sort(programs.begin(), programs.end(), [](const auto* a, const auto* b) {
    return std::tie(a->point.type, a->point.category, a->point.event) <
           std::tie(b->point.type, b->point.category, b->point.event);
  });
  for (const plan::ProgramPlan* program : programs) {
    for (const plan::Unit& unit : program->units) {
      write(writers[unit.metric], program->point);
      write(writers[unit.metric], unit);
    }
  }
  std::vector<std::string> texts;
  for (Writer& writer : writers) {
    texts.push_back(writer.take());
  }
  return texts;
}

}  // namespace tpx::service
