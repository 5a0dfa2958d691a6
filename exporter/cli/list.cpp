#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>

#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "live/json.h"

namespace tpx::cli {

namespace {

struct Options {
  kernel::Paths paths;
  std::string pattern;
  std::string output = "text";
};

using Groups = std::map<std::string, std::vector<std::string>>;  ///< names by category

Groups grouped(const std::vector<std::string>& events) {
  Groups groups;
  for (const std::string& event : events) {
    const auto slash = event.find('/');
    groups[event.substr(0, slash)].push_back(event.substr(slash + 1));
  }
  return groups;
}

std::string as_json(const Groups& groups) {
  std::string out = "[";
  for (const auto& [category, names] : groups) {
    for (const std::string& name : names) {
      out += (out.size() == 1 ? "\n  " : ",\n  ") +
             live::JsonObject().text("category", category).text("name", name).done();
    }
  }
  return out + "\n]\n";
}

std::string as_text(const Groups& groups, std::size_t count) {
  std::string out;
  for (const auto& [category, names] : groups) {
    out += category + " (" + std::to_string(names.size()) + ")\n";
    for (const std::string& name : names) {
      out += "  " + category + "/" + name + "\n";
    }
  }
  return out + std::to_string(count) + (count == 1 ? " tracepoint in " : " tracepoints in ") +
         std::to_string(groups.size()) + (groups.size() == 1 ? " category\n" : " categories\n");
}

/// A word without `/` is a category, or part of a name: `sched`, `*open*`.
std::vector<std::string> matching(const std::vector<std::string>& events, const std::string& pattern) {
  std::string whole = pattern;
  if (const auto colon = whole.find(':'); colon != std::string::npos) {
    whole[colon] = '/';
  }
  if (whole.find('/') == std::string::npos) {
    whole = is_glob(whole) ? "*/" + whole : whole + "/*";
  }
  std::vector<std::string> found;
  for (const std::string& event : events) {
    if (glob_match(whole, event)) {
      found.push_back(event);
    }
  }
  return found;
}

int run(const Options& options) {
  auto tracefs = open_tracefs(options.paths);
  auto events = tracefs ? tracefs->events() : Result<std::vector<std::string>>(fail(tracefs.error()));
  if (!events) {
    report(events.error());
    return kFailure;
  }
  const std::vector<std::string> found = options.pattern.empty() ? *events : matching(*events, options.pattern);
  if (found.empty()) {
    const std::string hint = did_you_mean(options.pattern, *events, 3);
    report(Error{"no tracepoint matches " + options.pattern,
                 hint.empty() ? "patterns are globs of category/name: 'syscalls/*open*'" : hint});
    return kFailure;
  }
  const Groups groups = grouped(found);
  const std::string text = options.output == "json" ? as_json(groups) : as_text(groups, found.size());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kOk;
}

}  // namespace

Command list_command() {
  return {"list", "List the kernel's tracepoints", [](CLI::App& app, std::function<int()>& chosen) {
            auto options = std::make_shared<Options>();
            app.add_option("glob", options->pattern, "A category, or a pattern of category/name with * and ?")
                ->type_name("GLOB");
            app.add_option("--output", options->output, "text or json")
                ->capture_default_str()
                ->check(CLI::IsMember({"text", "json"}));
            add_path_options(app, options->paths);
            app.footer("Example:\n  tracepoint_exporter list 'syscalls/*open*'\n  tracepoint_exporter list sched");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
