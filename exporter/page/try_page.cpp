#include "page/try_page.h"

#include <algorithm>

#include "base/text.h"
#include "page/html.h"
#include "plan/cardinality.h"
#include "service/configuration.h"
#include "service/deploy.h"
#include "service/plan_summary.h"
#include "service/prepare.h"

namespace tpx::page {
namespace {

constexpr std::size_t kMostText = 8192;
constexpr std::uint64_t kMostMapBytes = 64ULL << 20U;
constexpr std::size_t kMostPrograms = 64;
constexpr std::size_t kMostOutput = 65536;

constexpr const char* kExample =
    "metrics:\n  - name: process_starts_total\n    help: Programs executed.\n    tracepoint: sched/sched_process_exec\n"
    "    labels:\n      comm: comm\n";

std::string bounded(std::string text) {
  if (text.size() > kMostOutput) {
    text.resize(kMostOutput);
    text += "\n…";
  }
  return text;
}

/// Why the kernel is not asked; "": it may be.
std::string too_large(const plan::Plan& plan) {
  if (plan.map_bytes > kMostMapBytes) {
    return "its maps take " + short_bytes(plan.map_bytes) + ", more than this page allocates; run check";
  }
  if (plan.programs.size() > kMostPrograms) {
    return "it needs " + grouped(plan.programs.size()) + " programs, more than this page loads; run check";
  }
  return "";
}

std::string summary_of(const service::Prepared& prepared, const kernel::Kernel& kernel, Errors& warnings) {
  std::string out;
  for (const plan::PlannedMetric& metric : prepared.plan.metrics) {
    const auto estimate =
        plan::estimate_series(prepared.config, metric, kernel.possible_cpus, service::planner_options());
    out += service::plan_summary(metric) + "  series  " + plan::to_text(estimate) + "\n";
    for (const std::string& warning : plan::cardinality_warnings(estimate, metric)) {
      out += "  warning " + warning + "\n";
    }
    warnings.insert(warnings.end(), metric.warnings.begin(), metric.warnings.end());
  }
  return out;
}

bool names_objects(const config::Config& config) {
  return std::any_of(config.files.begin(), config.files.end(),
                     [](const config::Config::File& file) { return !file.objects.empty(); });
}

std::string pre(const std::string& text, const std::string& label) {
  return "<pre role=\"group\" tabindex=\"0\" aria-label=\"" + label + "\"><code>" + html_escape(text) + "</code></pre>";
}

std::string verdict_section(const Verdict& verdict) {
  std::string out = "<h2 id=\"verdict\">Verdict</h2><ul class=\"health\">";
  if (!verdict.errors.empty()) {
    out += "<li class=\"bad\"><p><span class=\"mark\">✕</span> <strong>It has errors.</strong></p></li>";
  } else if (!verdict.note.empty()) {
    out +=
        "<li class=\"warn\"><p><span class=\"mark\">▲</span> <strong>It is valid; the verifier was not "
        "asked:</strong> " +
        html_escape(verdict.note) + ".</p></li>";
  } else {
    out +=
        "<li class=\"good\"><p><span class=\"mark\">●</span> <strong>It is valid, and the kernel’s verifier accepts "
        "its programs.</strong></p></li>";
  }
  out += "</ul>";
  out += verdict.errors.empty() ? "" : pre(verdict.errors, "Errors");
  out += verdict.warnings.empty() ? "" : "<h3>Warnings</h3>" + pre(verdict.warnings, "Warnings");
  out += verdict.summary.empty() ? "" : "<h3>Attachment, store, cost, series</h3>" + pre(verdict.summary, "Summary");
  return out;
}

/// Whether a page of another site made the browser ask: it would make the kernel verify programs.
bool from_another_site(const http::Request& request) {
  const std::string* site = request.header("Sec-Fetch-Site");
  return site != nullptr && *site != "same-origin" && *site != "none";
}

}  // namespace

Verdict try_configuration(const std::string& text, const kernel::Kernel& kernel) {
  Verdict verdict;
  config::Loaded loaded = config::parse("text", text);
  if (names_objects(loaded.config)) {
    verdict.errors = "BPF object files cannot be tried here: run check";
    return verdict;
  }
  service::Prepared prepared = service::prepare(std::move(loaded), kernel);
  const config::Config config = prepared.config;
  Errors errors = service::all_errors(prepared);
  Errors warnings;
  verdict.summary = bounded(summary_of(prepared, kernel, warnings));
  verdict.note = kernel.may_load ? too_large(prepared.plan) : "this process may not load BPF programs";
  if (errors.empty() && prepared.plan.metrics.empty()) {
    errors.push_back(Error{"the text has no metric"});
  }
  if (verdict.note.empty() && !prepared.plan.metrics.empty()) {
    const service::Deployment loaded_only = service::deploy(std::move(prepared), kernel, loader::Attach::No);
    const Errors refused = service::refused_by_kernel(loaded_only);
    errors.insert(errors.end(), refused.begin(), refused.end());
  }
  verdict.errors = bounded(errors.empty() ? "" : config::render(config::by_place(errors), config));
  verdict.warnings = bounded(warnings.empty() ? "" : config::render(config::by_place(warnings), config, "warning"));
  return verdict;
}

std::string try_page(const PageInfo& info, const std::string& text, const Verdict* verdict) {
  Document document;
  document.title = "Try";
  document.section = Section::Try;
  document.main =
      "<h2>Try a configuration</h2><p class=\"soft\">It is checked against this kernel as <code>tracepoint_exporter "
      "check</code> "
      "does: planned, compiled, verified. Nothing is attached, and nothing is kept.</p>"
      "<form method=\"get\" action=\"/try\"><label for=\"yaml\">Configuration (YAML)</label><textarea id=\"yaml\" "
      "name=\"yaml\" maxlength=\"8192\" spellcheck=\"false\">\n" +
      html_escape(text.empty() ? kExample : text) + "</textarea><button type=\"submit\">Check</button></form>";
  document.main += verdict == nullptr ? "" : verdict_section(*verdict);
  return render(info, document);
}

http::Handler try_page_handler(const Sources& sources) {
  return [sources](const http::Request& request, http::Response& response) {
    if (from_another_site(request) && !request.query.empty()) {
      response.send_text(403, "Refused: the request comes from another site.\n");
      return;
    }
    std::string text = to_utf8(request.parameter("yaml").value_or(""));
    if (text.size() > kMostText) {
      response.send_text(413, "The configuration is longer than 8192 bytes; use tracepoint_exporter check.\n");
      return;
    }
    std::erase(text, '\r');  // a form ends lines by CR LF
    if (trim(text).empty()) {
      response.begin(200, page_headers());
      response.write(try_page(sources.info(), text, nullptr));
      return;
    }
    const auto kernel = kernel::running_kernel(sources.paths);
    Verdict verdict;
    if (kernel) {
      verdict = try_configuration(text, *kernel);
    } else {
      verdict.errors = kernel.error().message + "\n" + kernel.error().hint;
    }
    response.begin(200, page_headers());
    response.write(try_page(sources.info(), text, &verdict));
  };
}

}  // namespace tpx::page
