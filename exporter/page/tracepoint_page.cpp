#include "page/tracepoint_page.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "live/snippet.h"
#include "page/html.h"
#include "plan/event_plan.h"
#include "service/configuration.h"

namespace tpx::page {
namespace {

constexpr std::size_t kMostShown = 500;
constexpr std::size_t kMostNames = 24;

std::string list_link(const std::string& name) {
  return "<a href=\"/tracepoints?name=" + url_encode(name) + "\">" + html_escape(name) + "</a>";
}

Document list_document(const std::string& query) {
  Document document;
  document.title = "Tracepoints";
  document.section = Section::Tracepoints;
  document.main = "<h2>Tracepoints of this kernel</h2>" +
                  search_form("/tracepoints", "Search tracepoints", "sched_switch, block, *open*", query);
  return document;
}

std::string categories(const std::vector<std::string>& events) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& event : events) {
    ++counts[event.substr(0, event.find('/'))];
  }
  std::string out = "<p class=\"soft\">" + grouped(events.size()) + " tracepoints in " + grouped(counts.size()) +
                    " categories</p><ul class=\"names\">";
  for (const auto& [category, count] : counts) {
    out += "<li><a href=\"/tracepoints?q=" + url_encode(category + "/") + "\">" + html_escape(category) +
           "</a> <span class=\"soft\">" + grouped(count) + "</span></li>";
  }
  return out + "</ul>";
}

/// `0=HI, 1=TIMER, …`
std::string value_names(const kernel::FieldNames& names) {
  std::string out;
  std::size_t shown = 0;
  const auto add = [&](std::uint64_t value, const std::string& name) {
    if (shown++ < kMostNames) {
      out += (out.empty() ? "" : ", ") + std::to_string(static_cast<std::int64_t>(value)) + "=" + name;
    }
  };
  for (const auto& [value, name] : names.symbols) {
    add(value, name);
  }
  for (const auto& [mask, name] : names.flags) {
    add(mask, name);
  }
  return html_escape(out) + (shown > kMostNames ? " and " + grouped(shown - kMostNames) + " more" : "");
}

std::string field_row(const kernel::Field& field, const kernel::Format& format, const kernel::Kernel& kernel,
                      const plan::Options& options) {
  const auto plan = plan::plan_events({format.full_name(), std::nullopt, {field.name}}, kernel, options);
  const std::string reader = plan ? std::string(plan::name(plan->point.type)) : "nothing: " + plan.error().message;
  const std::string names =
      value_names(kernel::resolve_names(kernel::names_of(format, field.name), kernel.btf ? &*kernel.btf : nullptr));
  return "<tr><td><code>" + html_escape(field.name) + "</code>" +
         (names.empty() ? "" : "<details><summary>Names of values</summary><p>" + names + "</p></details>") +
         "</td><td><code>" + html_escape(field.type) + "</code></td><td class=\"num\">" + std::to_string(field.size) +
         "</td><td>" + html_escape(reader) + "</td></tr>";
}

void send_error(const Sources& sources, const Error& error, int status, const std::string& query,
                http::Response& response) {
  Document document = list_document(query);
  document.main += "<ul class=\"health\"><li class=\"bad\"><p><span class=\"mark\">✕</span> " +
                   html_escape(error.message) + "</p>" +
                   (error.hint.empty() ? "" : "<p>" + html_escape(error.hint) + "</p>") + "</li></ul>";
  send_page(response, status, sources.info(), document);
}

void describe(const Sources& sources, const std::vector<std::string>& events, std::string name,
              http::Response& response) {
  std::replace(name.begin(), name.end(), ':', '/');
  // Only names that the kernel lists may become paths.
  if (!std::binary_search(events.begin(), events.end(), name)) {
    send_error(sources, {"tracepoint " + name + " not found", did_you_mean(name, events, 3)}, 404, name, response);
    return;
  }
  const auto kernel = kernel::running_kernel(sources.paths);
  if (!kernel) {
    send_error(sources, kernel.error(), 500, name, response);
    return;
  }
  const auto format = kernel->tracefs.format(name);
  if (!format) {
    send_error(sources, format.error(), 500, name, response);
    return;
  }
  response.begin(200, page_headers());
  response.write(tracepoint_page(sources.info(), *format, *kernel));
}

}  // namespace

std::vector<std::string> matching_tracepoints(const std::vector<std::string>& events, const std::string& query) {
  std::string pattern = query;
  std::replace(pattern.begin(), pattern.end(), ':', '/');
  if (is_glob(pattern) && pattern.find('/') == std::string::npos) {
    pattern.insert(0, "*/");
  }
  std::vector<std::string> found;
  for (const std::string& event : events) {
    if (is_glob(pattern) ? glob_match(pattern, event) : matches(pattern, event)) {
      found.push_back(event);
    }
  }
  return found;
}

std::string tracepoint_list_page(const PageInfo& info, const std::vector<std::string>& events,
                                 const std::string& query) {
  Document document = list_document(query);
  if (query.empty()) {
    document.main += categories(events);
    return render(info, document);
  }
  const std::vector<std::string> found = matching_tracepoints(events, query);
  document.main += "<p class=\"soft\" role=\"status\">" + grouped(found.size()) + " of " + grouped(events.size()) +
                   " tracepoints match “" + html_escape(query) + "”" +
                   (found.size() > kMostShown ? "; the first " + grouped(kMostShown) + " are shown" : "") +
                   ". <a href=\"/tracepoints\">Show the categories</a></p>";
  if (found.empty()) {
    document.main += "<p>" + html_escape(did_you_mean(query, events, 3)) + "</p>";
  } else {
    document.main += "<ul class=\"names\">";
    for (std::size_t i = 0; i < std::min(kMostShown, found.size()); ++i) {
      document.main += "<li>" + list_link(found[i]) + "</li>";
    }
    document.main += "</ul>";
  }
  return render(info, document);
}

std::string tracepoint_page(const PageInfo& info, const kernel::Format& format, const kernel::Kernel& kernel) {
  const plan::Options options = service::planner_options();
  const std::string name = format.full_name();
  const auto plan = plan::plan_events({name, std::nullopt, {}}, kernel, options);
  Document document;
  document.title = name;
  document.section = Section::Tracepoints;
  document.main = "<p class=\"up-link\"><a href=\"/tracepoints?q=" + url_encode(format.category + "/") + "\">" +
                  html_escape(format.category) + "</a></p><h2 class=\"title\"><code>" + html_escape(name) +
                  "</code></h2><p>" +
                  (plan ? "Attached by " + html_escape(plan->point.text()) + ": " + html_escape(plan->attach_reason)
                        : "Cannot be attached: " + html_escape(plan.error().message)) +
                  ".</p>";
  document.main += "<h2 id=\"fields\">Fields</h2>";
  if (format.fields.empty()) {
    document.main += "<p class=\"soft\">It has none.</p>";
  } else {
    document.main +=
        "<table class=\"plain\"><thead><tr><th>Name</th><th>Type</th><th class=\"num\">Bytes</th><th>Read "
        "by</th></tr></thead><tbody>";
    for (const kernel::Field& field : format.fields) {
      document.main += field_row(field, format, kernel, options);
    }
    document.main += "</tbody></table>";
  }
  document.main +=
      "<h2 id=\"snippet\">To count it</h2><p class=\"soft\">Paste this into a configuration; one click selects it. No "
      "label has more "
      "values than a host has of something.</p>" +
      copyable(live::configuration_snippet(format, kernel, options), "Configuration that counts " + name);
  return render(info, document);
}

http::Handler tracepoint_page_handler(const Sources& sources) {
  return [sources](const http::Request& request, http::Response& response) {
    const auto tracefs =
        sources.paths.tracefs.empty() ? kernel::Tracefs::find() : kernel::Tracefs::open(sources.paths.tracefs);
    const auto events = tracefs ? tracefs->events() : Result<std::vector<std::string>>(fail(tracefs.error()));
    const std::string query = search_query(request);
    if (!events) {
      send_error(sources, events.error(), 500, query, response);
      return;
    }
    if (const auto name = request.parameter("name")) {
      describe(sources, *events, name->substr(0, 200), response);
      return;
    }
    response.begin(200, page_headers());
    response.write(tracepoint_list_page(sources.info(), *events, query));
  };
}

}  // namespace tpx::page
