
#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "live/json.h"
#include "live/snippet.h"
#include "live/text_buffer.h"
#include "plan/event_plan.h"
#include "service/configuration.h"

namespace tpx::cli {

namespace {

struct Options {
  kernel::Paths paths;
  std::string tracepoint;
  std::string name;  ///< `describe sched sched_switch`
  std::string output = "text";
};

constexpr std::size_t kMostNames = 24;

std::string names_text(const kernel::FieldNames& names) {
  std::string text;
  std::size_t shown = 0;
  const auto add = [&](std::uint64_t value, const std::string& name, bool hex) {
    if (shown++ >= kMostNames) {
      return;
    }
    text += text.empty() ? "" : ", ";
    hex ? live::append_hex(text, value) : live::append_integer(text, value, true);
    text += "=" + name;
  };
  for (const auto& [value, name] : names.symbols) {
    add(value, name, false);
  }
  for (const auto& [mask, name] : names.flags) {
    add(mask, name, true);
  }
  if (shown > kMostNames) {
    text += ", and " + std::to_string(shown - kMostNames) + " more";
  }
  return text;
}

/// How one event looks from outside, ready to be written down.
class Description {
 public:
  Description(kernel::Format format, const kernel::Kernel& kernel)
      : format_(std::move(format)), kernel_(kernel), options_(service::planner_options()) {
    auto plan = plan::plan_events({format_.full_name(), std::nullopt, {}}, kernel_, options_);
    if (plan) {
      attach_ = plan->point.type;
      point_ = plan->point.text();
      reason_ = plan->attach_reason;
    } else {
      reason_ = plan.error().message;
    }
  }

  [[nodiscard]] std::string text() const {
    std::string out = "Tracepoint " + format_.full_name() + " (id " + std::to_string(format_.id) + ")\n\nFields:\n";
    std::size_t type_width = 4;
    std::size_t name_width = 4;
    for (const kernel::Field& field : format_.fields) {
      type_width = std::max(type_width, field.type.size());
      name_width = std::max(name_width, field.name.size());
    }
    const auto cell = [&](const std::string& word, std::size_t width) {
      out += word + std::string(width - std::min(width, word.size()) + 2, ' ');
    };
    out += "  ";
    cell("NAME", name_width);
    cell("TYPE", type_width);
    out += "OFFSET  SIZE  SIGNED  READ BY\n";
    for (const kernel::Field& field : format_.fields) {
      out += "  ";
      cell(field.name, name_width);
      cell(field.type, type_width);
      cell(std::to_string(field.offset), 6);
      cell(std::to_string(field.size), 4);
      cell(field.is_signed ? "yes" : "no", 6);
      out += read_by(field) + "\n";
    }
    for (const kernel::Field& field : format_.fields) {
      const std::string names = names_text(names_of(field));
      out += names.empty() ? "" : "\nNames of " + field.name + ": " + names + "\n";
    }
    out += "\nCommon fields: " + common_fields() + "\nPrint format: " + format_.print_format + "\n";
    out += "\nAttached " + attach_text() + ".\n\nTo count it, paste into a configuration:\n\n";
    return out + live::configuration_snippet(format_, kernel_, options_);
  }

  [[nodiscard]] std::string json() const {
    return live::JsonObject()
               .text("tracepoint", format_.full_name())
               .count("id", format_.id)
               .text("attach", attach_ ? plan::name(*attach_) : "none")
               .text("attach_reason", reason_)
               .raw("fields", live::json_array(format_.fields, [this](const auto& field) { return field_json(field); }))
               .text("print_format", format_.print_format)
               .text("configuration", live::configuration_snippet(format_, kernel_, options_))
               .done() +
           "\n";
  }

 private:
  [[nodiscard]] std::string field_json(const kernel::Field& field) const {
    live::JsonObject values;
    const auto add = [&](std::uint64_t value, const std::string& name) {
      std::string number;
      live::append_integer(number, value, true);
      values.text(number, name);
    };
    const kernel::FieldNames names = names_of(field);
    for (const auto& [value, name] : names.symbols) {
      add(value, name);
    }
    for (const auto& [mask, name] : names.flags) {
      if (!names.symbols.contains(mask)) {
        add(mask, name);
      }
    }
    return live::JsonObject()
        .text("name", field.name)
        .text("type", field.type)
        .count("offset", field.offset)
        .count("size", field.size)
        .truth("signed", field.is_signed)
        .raw("names", values.done())
        .done();
  }

  [[nodiscard]] kernel::FieldNames names_of(const kernel::Field& field) const {
    return kernel::resolve_names(kernel::names_of(format_, field.name), kernel_.btf ? &*kernel_.btf : nullptr);
  }

  /// Of every record, with what gives their value (Documentation/trace/events.rst): BPF programs do not see them.
  [[nodiscard]] static std::string common_fields() {
    return "common_type (the id), common_flags, common_preempt_count, common_pid (write tid); no program can read them";
  }

  [[nodiscard]] std::string read_by(const kernel::Field& field) const {
    auto plan = plan::plan_events({format_.full_name(), std::nullopt, {field.name}}, kernel_, options_);
    return plan ? std::string(plan::name(plan->point.type)) : "nothing: " + plan.error().message;
  }

  [[nodiscard]] std::string attach_text() const {
    if (!attach_) {
      return "not at all: " + reason_;
    }
    return "by " + point_ + ", as " + reason_ +
           (*attach_ == plan::AttachType::Classic ? " (a metric of fields that tp_btf reads is attached by that)" : "");
  }

  kernel::Format format_;
  const kernel::Kernel& kernel_;
  plan::Options options_;
  std::optional<plan::AttachType> attach_;
  std::string point_;
  std::string reason_;
};

int run(const Options& options) {
  std::string name = options.tracepoint + (options.name.empty() ? "" : "/" + options.name);
  std::replace(name.begin(), name.end(), ':', '/');
  if (name.find('/') == std::string::npos) {
    report(Error{"a tracepoint is CATEGORY/NAME, such as sched/sched_switch",
                 "see what there is: tracepoint_exporter list '*" + name + "*'"});
    return kUsage;
  }
  auto kernel = open_kernel(options.paths);
  if (!kernel) {
    report(kernel.error());
    return kFailure;
  }
  const bool pattern = is_glob(name);
  const auto names = pattern ? kernel->tracefs.match(name) : Result<std::vector<std::string>>({name});
  if (!names || names->empty()) {
    report(names ? Error{"no tracepoint matches " + name, "list what there is: tracepoint_exporter list"}
                 : names.error());
    return kFailure;
  }
  const bool json = options.output == "json";
  std::string text = pattern && json ? "[" : "";
  for (const std::string& each : *names) {
    auto format = kernel->tracefs.format(each);
    if (!format) {
      report(format.error());
      return kFailure;
    }
    const Description description(std::move(*format), *kernel);
    text += &each == names->data() ? "" : json ? "," : "\n";
    text += json ? description.json() : description.text();
  }
  text += pattern && json ? "]\n" : "";
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kOk;
}

}  // namespace

Command describe_command() {
  return {"describe", "Show the fields of a tracepoint and how to count it",
          [](CLI::App& app, std::function<int()>& chosen) {
            auto options = std::make_shared<Options>();
            app.add_option("tracepoint", options->tracepoint, "The tracepoint, or a pattern with * and ?")
                ->type_name("CATEGORY/NAME")
                ->required();
            app.add_option("name", options->name, "Its name, where the first word is the category")->type_name("NAME");
            app.add_option("--output", options->output, "text or json")
                ->capture_default_str()
                ->check(CLI::IsMember({"text", "json"}));
            add_path_options(app, options->paths);
            app.footer("Example:\n  tracepoint_exporter describe sched/sched_switch");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
