#include "live/snippet.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "config/config.h"
#include "live/field_decoder.h"
#include "plan/cardinality.h"

namespace tpx::live {

namespace {

constexpr std::size_t kMostLabels = 3;

using Label = std::pair<std::string, std::string>;  ///< name, expression

/// What a person is likely to ask by: names, devices, texts of the kernel. Ids and texts that programs choose make series
/// without bound.
std::vector<Label> likely_labels(const kernel::Format& format, const kernel::Kernel& kernel) {
  std::vector<Label> labels;
  const bool syscall = format.category == "syscalls";
  for (const kernel::Field& field : format.fields) {
    if (field.name.starts_with("_")) {
      continue;
    }
    const schema::DecoderCall decoder = decoder_for(field, format, kernel);
    if (syscall && field.name == "ret") {
      labels.emplace_back("error", "errno(args.ret)");
    } else if (!decoder.name.empty()) {
      labels.emplace_back(field.name, decoder.name + "(args." + field.name + ")");
    } else if (field.is_string) {
      labels.emplace_back(field.name, "args." + field.name);
    }
  }
  labels.emplace_back("process", "comm");
  return labels;
}

std::string metric_name(const kernel::Format& format) {
  std::string name = format.name;
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name + "_total";
}

std::string render(const kernel::Format& format, const std::vector<Label>& labels) {
  std::string text = "metrics:\n  - name: " + metric_name(format) + "\n    help: Events of " + format.full_name() +
                     ".\n    tracepoint: " + format.full_name() + "\n";
  if (!labels.empty()) {
    text += "    labels:\n";
  }
  for (const auto& [name, expression] : labels) {
    text += "      " + name + ": " + expression + "\n";
  }
  return text;
}

/// Whether the configuration can be served, and no label has more values than a host has of something.
bool is_bounded(const std::string& text, const kernel::Kernel& kernel, const plan::Options& options) {
  const config::Loaded loaded = config::parse("snippet", text);
  if (!loaded.errors.empty()) {
    return false;
  }
  const plan::Plan plan = plan::make_plan(loaded.config, kernel, options);
  return plan.rejected.empty() && std::all_of(plan.metrics.begin(), plan.metrics.end(), [&](const auto& metric) {
           const auto estimate = plan::estimate_series(loaded.config, metric, kernel.possible_cpus, options);
           return plan::cardinality_warnings(estimate, metric).empty();
         });
}

}  // namespace

std::string configuration_snippet(const kernel::Format& format, const kernel::Kernel& kernel,
                                  const plan::Options& options) {
  std::vector<Label> labels;
  for (const Label& label : likely_labels(format, kernel)) {
    labels.push_back(label);
    if (labels.size() > kMostLabels || !is_bounded(render(format, labels), kernel, options)) {
      labels.pop_back();
    }
  }
  return render(format, labels);
}

}  // namespace tpx::live
