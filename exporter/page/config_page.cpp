#include "page/config_page.h"

#include <array>
#include <ctime>

#include "base/text.h"
#include "page/html.h"

namespace tpx::page {
namespace {

constexpr std::size_t kMostBytes = std::size_t{512} * 1024;

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
    return "";
  }
  return text.data();
}

/// The numbered lines of a file, as many as there is room for.
std::string lines_of(const service::LoadedConfiguration::File& file, std::size_t& room) {
  std::string out =
      "<pre class=\"file\" role=\"group\" tabindex=\"0\" aria-label=\"" + html_escape(file.path) + "\"><code>";
  std::uint32_t number = 0;
  bool cut = false;
  std::string_view text = file.text;
  text = text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
  for (const std::string_view line : split(text, '\n')) {
    cut = line.size() > room;
    if (cut) {
      break;
    }
    room -= line.size();
    const std::string anchor = html_escape(config_anchor(file.path, ++number));
    out += "<span id=\"" + anchor + "\"><a href=\"#" + anchor + "\">" + std::to_string(number) + "</a>" +
           html_escape(line) + "\n</span>";
  }
  return out + "</code></pre>" + (cut ? "<p class=\"soft\">The rest is not shown.</p>" : "");
}

}  // namespace

std::string config_page(const PageInfo& info, const service::LoadedConfiguration& configuration,
                        const service::LoadAttempt& attempt) {
  Document document;
  document.title = "Configuration";
  document.section = Section::Configuration;
  document.main = "<h2>Configuration</h2>";
  if (attempt.report.empty()) {
    document.main += "<ul class=\"health\"><li class=\"good\"><p><span class=\"mark\">●</span> Loaded at " +
                     time_text(configuration.loaded_at) + ".</p></li></ul>";
  } else {
    document.main +=
        "<ul class=\"health\"><li class=\"bad\"><p><span class=\"mark\">✕</span> <strong>The last load, at " +
        time_text(attempt.at) + ", failed.</strong> What was loaded at " + time_text(configuration.loaded_at) +
        " stays in use.</p></li></ul><pre role=\"group\" tabindex=\"0\" aria-label=\"Errors\"><code>" +
        html_escape(attempt.report) + "</code></pre>";
  }
  std::size_t room = kMostBytes;
  for (const service::LoadedConfiguration::File& file : configuration.files) {
    document.main += "<h2 id=\"" + html_escape(url_encode(file.path)) + "\"><code>" + html_escape(file.path) +
                     "</code></h2>" + lines_of(file, room);
  }
  document.footer = "What is shown is the text that was loaded; the files may have changed since.";
  return render(info, document);
}

http::Handler config_page_handler(const Sources& sources) {
  return [sources](const http::Request&, http::Response& response) {
    response.begin(200, page_headers());
    response.write(config_page(sources.info(), sources.configuration(), sources.last_load()));
  };
}

}  // namespace tpx::page
