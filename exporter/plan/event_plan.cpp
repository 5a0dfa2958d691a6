#include "plan/event_plan.h"

#include <algorithm>

#include "expression/ast.h"
#include "plan/label.h"
#include "plan/sites.h"
#include "typed/bind.h"

namespace tpx::plan {

namespace {

constexpr std::uint32_t kTextBytes = 256;  ///< of a string whose length only the event knows, with its NUL

/// Expressions of the header, in the order of EventPlan's offsets.
struct HeaderColumn {
  const char* expression;
  std::uint32_t offset;
};
constexpr HeaderColumn kHeader[] = {{"nsecs", EventPlan::kTime},
                                    {"pid", EventPlan::kPid},
                                    {"tid", EventPlan::kTid},
                                    {"cpu", EventPlan::kCpu},
                                    {"comm", EventPlan::kComm}};

Result<TypedExprPtr> bind_text(const std::string& text, const typed::Names& names, const std::string& shown) {
  const SourceLocation at{shown, 1, 1};
  auto node = expression::parse(text, at);
  if (!node) {
    return fail(std::move(node.error()));
  }
  return typed::bind(**node, names, at);
}

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool points_to_text(const kernel::Field& field) {
  return field.is_pointer && field.kind == kernel::Field::Kind::Integer && field.size == 8 &&
         (field.type == "const char *" || field.type == "char *");
}

/// Room for the longest string that is shown.
TypedExprPtr widened(const TypedExprPtr& bound) {
  const auto* loc = std::get_if<typed::LocBytes>(&bound->node);
  if (loc == nullptr || !loc->is_string) {
    return bound;
  }
  typed::LocBytes wide = *loc;
  wide.size = kTextBytes;
  return typed::make_typed(wide, {schema::ValueType::Kind::String, kTextBytes, false});
}

/// An alignment that a load of the value's type takes.
std::uint32_t alignment(const schema::ValueType& type) {
  return type.kind == schema::ValueType::Kind::Integer ? type.size : 8;
}

class EventPlanner {
 public:
  EventPlanner(const EventRequest& request, const kernel::Kernel& kernel, const Options& options)
      : request_(request), kernel_(kernel), options_(options) {}

  Result<EventPlan> run() {
    config::Events events;
    events.names.push_back({request_.tracepoint, {}});
    Tracepoints found = find_tracepoints(events, request_.tracepoint, kernel_, options_);
    if (found.found.empty()) {
      return fail(found.missing.empty() ? Error{"tracepoint " + request_.tracepoint + " not found"}
                                        : std::move(found.missing.front()));
    }
    const Tracepoint& tracepoint = found.found.front();
    Result<EventPlan> last = fail("no way to attach to " + request_.tracepoint);
    for (std::size_t i = 0; i < tracepoint.sites.size(); ++i) {
      last = plan_at(tracepoint, tracepoint.sites[i], i + 1 < tracepoint.sites.size());
      if (last) {
        return last;
      }
    }
    return last;
  }

 private:
  /// `strict`: a better site than the last must give every field.
  Result<EventPlan> plan_at(const Tracepoint& tracepoint, const Site& site, bool strict) {
    EventPlan plan;
    plan.tracepoint = tracepoint.name;
    plan.format = tracepoint.format;
    plan.point = site.point;
    plan.attach_reason = site.reason;
    plan.dispatch = site.dispatch;
    if (request_.filter) {
      auto filter = bind_text(*request_.filter, *site.names, "--filter");
      if (!filter) {
        return fail(std::move(filter.error()));
      }
      if ((*filter)->type.kind != schema::ValueType::Kind::Integer) {
        return fail("the filter is not a condition", "compare: --filter 'comm == \"bash\"'");
      }
      plan.filter = *filter;
    }
    for (const HeaderColumn& column : kHeader) {
      auto bound = bind_text(column.expression, *site.names, column.expression);
      if (!bound) {
        return fail(std::move(bound.error()));
      }
      plan.header.push_back({column.expression, (*bound)->type, column.offset, *bound, std::nullopt, false});
    }
    plan.header.push_back({"number",
                           {schema::ValueType::Kind::Integer, 4, false},
                           EventPlan::kNumber,
                           typed::constant(request_.number),
                           std::nullopt,
                           false});
    if (!request_.key.empty()) {
      const SourceLocation at{"--key", 1, 1};
      if (auto added = add_expression(plan, site, "key", request_.key, at); !added) {
        return fail(std::move(added.error()));
      }
    }
    auto columns = request_.fields.empty() ? all_fields(plan, site, strict) : asked_fields(plan, site);
    if (!columns) {
      return fail(std::move(columns.error()));
    }
    plan.record_bytes = (plan.record_bytes + 7) / 8 * 8;
    return plan;
  }

  static void add(EventPlan& plan, std::string name, TypedExprPtr value, const kernel::Field* field,
                  bool dereferenced) {
    value = widened(value);
    const std::uint32_t align = alignment(value->type);
    EventColumn column{std::move(name),
                       value->type,
                       (plan.record_bytes + align - 1) / align * align,
                       value,
                       field == nullptr ? std::nullopt : std::optional(*field),
                       dereferenced};
    const std::uint32_t size =
        column.type.kind == schema::ValueType::Kind::Integer ? column.type.size : (column.type.size + 7) / 8 * 8;
    plan.record_bytes = column.offset + size;
    plan.columns.push_back(std::move(column));
  }

  static Result<void> add_field(EventPlan& plan, const Site& site, const kernel::Field& field) {
    const bool text = points_to_text(field);
    auto bound = bind_text(text ? "str(args." + field.name + ", 255)" : "args." + field.name, *site.names, field.name);
    if (!bound) {
      return fail(std::move(bound.error()));
    }
    add(plan, field.name, *bound, &field, text);
    return {};
  }

  static Result<void> all_fields(EventPlan& plan, const Site& site, bool strict) {
    const bool syscall = plan.format->category == "syscalls";
    for (const kernel::Field& field : plan.format->fields) {
      // The tracepoint's name says it, and the copies that newer kernels keep of strings hold nothing valid in BPF.
      const bool copy = field.kind == kernel::Field::Kind::DataLoc || field.kind == kernel::Field::Kind::RelLoc;
      if (syscall && (field.name == "__syscall_nr" || copy)) {
        continue;
      }
      auto added = add_field(plan, site, field);
      if (added) {
        continue;
      }
      if (strict) {
        return added;
      }
      plan.left_out.push_back(field.name + ": " + added.error().message);
    }
    return {};
  }

  Result<void> asked_fields(EventPlan& plan, const Site& site) {
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
      const std::string& text = request_.fields[i];
      const kernel::Field* field = plan.format->find(text.starts_with("args.") ? text.substr(5) : text);
      if (field != nullptr) {
        if (auto added = add_field(plan, site, *field); !added) {
          return added;
        }
        continue;
      }
      const bool of_format = is_name(text) && !expression::builtin(text);
      const SourceLocation at{"--fields", static_cast<std::uint32_t>(i + 1), 1};
      const std::string name = i < request_.names.size() ? request_.names[i] : text;
      if (auto added = add_expression(plan, site, name, of_format ? "args." + text : text, at); !added) {
        return added;
      }
    }
    return {};
  }

  Result<void> add_expression(EventPlan& plan, const Site& site, const std::string& name, std::string text,
                              const SourceLocation& at) {
    auto expression = config::parse_expression(std::move(text), at);
    if (!expression) {
      return fail(std::move(expression.error()));
    }
    const config::Label label{{name, at}, std::move(*expression)};
    auto parsed = parse_label(label, options_);
    if (!parsed) {
      return fail(std::move(parsed.error()));
    }
    typed::Comparisons comparisons;
    auto bound = bind_label(*parsed, *site.names, comparisons);
    if (!bound) {
      return fail(std::move(bound.error()));
    }
    if (auto fits = check_decoder_input(*parsed, (*bound)->type, (*bound)->address_of); !fits) {
      return fits;
    }
    if (auto named = find_field_names(*parsed, *site.names, nullptr, kernel_); !named) {
      return named;
    }
    add(plan, label.name.value, *bound, nullptr, false);
    plan.columns.back().decoders = std::move(parsed->decoders);
    return {};
  }

  const EventRequest& request_;
  const kernel::Kernel& kernel_;
  const Options& options_;
};

}  // namespace

Result<EventPlan> plan_events(const EventRequest& request, const kernel::Kernel& kernel, const Options& options) {
  return EventPlanner(request, kernel, options).run();
}

}  // namespace tpx::plan
