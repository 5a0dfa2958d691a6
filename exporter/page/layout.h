#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace tpx::page {

/// What every page says besides the metrics' states.
struct PageInfo {
  std::string version;
  std::string hostname;
  std::string kernel;
  std::string route_prefix;  ///< of all paths; "" or without a '/' at its end
  std::string metrics_path = "/metrics";
  std::string documentation;               ///< where the link leads; "" leaves it out
  std::string config;                      ///< where the configuration comes from
  bool reload_successful = true;           ///< false: what runs is older than the files
  std::string reload_error;                ///< why
  bool lifecycle = false;                  ///< there is a page that tries configurations
  std::optional<std::chrono::seconds> up;  ///< since the start
};

/// Which link of the navigation is the page's own.
enum class Section : std::uint8_t { None, Metrics, Tracepoints, Configuration, Try };

/// One HTML document without scripts or external assets. `main` and `footer` are HTML; the other texts are not.
struct Document {
  std::string title;
  Section section = Section::None;
  unsigned refresh_seconds = 0;  ///< 0: it does not reload itself
  std::string refresh_link;      ///< where the link that turns refreshing on or off leads; "": there is none
  std::string main;
  std::string footer = {};
};

/// The document with its header and navigation, for any width, dark or light as the reader's system is.
[[nodiscard]] std::string render(const PageInfo& info, const Document& document);

/// The headers that go with it: type, no caching, and a Content-Security-Policy that allows the pages' style and forms to this
/// server alone.
[[nodiscard]] http::Headers page_headers();

/// Answers with a document.
void send_page(http::Response& response, int status, const PageInfo& info, const Document& document);

/// A form with one search field named `q`. `hint` is what the field says while it is empty.
[[nodiscard]] std::string search_form(std::string_view action, std::string_view label, std::string_view hint,
                                      std::string_view query);

/// The parameter `q`, trimmed, at most 200 bytes.
[[nodiscard]] std::string search_query(const http::Request& request);

/// Whether each word of `query` is in `text`, whatever the case.
[[nodiscard]] bool matches(std::string_view query, std::string_view text);

/// A text that one click selects, so that it can be copied.
[[nodiscard]] std::string copyable(std::string_view text, std::string_view label);

}  // namespace tpx::page
