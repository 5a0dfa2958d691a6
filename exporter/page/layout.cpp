#include "page/layout.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "page/html.h"
#include "page/landing_page_style.h"

namespace tpx::page {
namespace {

std::string link(std::string_view to, std::string_view text, bool is_current = false) {
  return "<a href=\"" + html_escape(to) + "\"" + (is_current ? " aria-current=\"page\"" : "") + ">" +
         std::string(text) + "</a>";
}

std::string header(const PageInfo& info, const Document& document) {
  std::string where = html_escape(info.hostname);
  const auto add = [&where](const std::string& text) {
    where += (where.empty() || text.empty() ? "" : " · ") + html_escape(text);
  };
  add(info.kernel.empty() ? "" : "Linux " + info.kernel);
  add(info.up ? "up " + short_duration(static_cast<std::uint64_t>(info.up->count())) : "");
  std::string links = link("/", "Status", document.section == Section::Metrics) +
                      link("/tracepoints", "Tracepoints", document.section == Section::Tracepoints) +
                      link("/config", "Configuration", document.section == Section::Configuration);
  if (info.lifecycle) {
    links += link("/try", "Try", document.section == Section::Try);
  }
  links += link(info.metrics_path, "Metrics");
  links += info.documentation.empty() ? "" : link(info.documentation, "Documentation");
  if (!document.refresh_link.empty()) {
    links += link(document.refresh_link, document.refresh_seconds > 0 ? "Stop refreshing" : "Refresh every 5 s");
  }
  return "<header><div><div><h1>tracepoint_exporter<small>" + html_escape(info.version) +
         "</small></h1><div class=\"host\">" + where + "</div></div><nav aria-label=\"Pages\">" + links +
         "</nav></div></header>";
}

/// `sha256-…` of the style sheet, as a Content-Security-Policy names it.
std::string style_hash() {
  const std::string_view style = landing_page_style();
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(style.data(), style.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 45> text{};  // 44 characters of base64 and a NUL
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return "sha256-" + std::string(text.begin(), text.begin() + length);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The same document with `prefix` before the paths that its links and forms lead to. A quote in a text is escaped, so that
/// these words stand in no text.
std::string with_prefix(std::string html, const std::string& prefix) {
  for (const std::string_view attribute : {std::string_view(" href=\"/"), std::string_view(" action=\"/")}) {
    for (std::size_t at = prefix.empty() ? std::string::npos : html.find(attribute); at != std::string::npos;
         at = html.find(attribute, at + attribute.size() + prefix.size())) {
      html.insert(at + attribute.size() - 1, html_escape(prefix));
    }
  }
  return html;
}

}  // namespace

std::string render(const PageInfo& info, const Document& document) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  if (document.refresh_seconds > 0) {
    out += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(document.refresh_seconds) + "\">";
  }
  out += "<title>" + (document.title.empty() ? "" : html_escape(document.title) + " · ") + "tracepoint_exporter" +
         (info.hostname.empty() ? "" : " on " + html_escape(info.hostname)) + "</title>";
  out += "<link rel=\"icon\" href=\"data:,\"><style>";
  out += landing_page_style();
  out += "</style></head><body>" +
         with_prefix(header(info, document) + "<main>" + document.main + "</main>" +
                         (document.footer.empty() ? "" : "<footer>" + document.footer + "</footer>"),
                     info.route_prefix);
  return out + "</body></html>\n";
}

http::Headers page_headers() {
  return {{"Content-Type", "text/html; charset=utf-8"},
          {"Cache-Control", "no-store"},
          {"Content-Security-Policy", "default-src 'none'; style-src '" + style_hash() +
                                          "'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors "
                                          "'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"}};
}

void send_page(http::Response& response, int status, const PageInfo& info, const Document& document) {
  // Not before somebody looks: the first hash makes OpenSSL take three megabytes.
  response.begin(status, page_headers());
  response.write(render(info, document));
}

std::string search_form(std::string_view action, std::string_view label, std::string_view hint,
                        std::string_view query) {
  return "<form class=\"search\" role=\"search\" method=\"get\" action=\"" + html_escape(action) +
         "\"><label for=\"q\">" + html_escape(label) +
         "</label><input id=\"q\" name=\"q\" type=\"search\" maxlength=\"200\" placeholder=\"" + html_escape(hint) +
         "\" value=\"" + html_escape(query) + "\"><button type=\"submit\">Search</button></form>";
}

std::string search_query(const http::Request& request) {
  constexpr std::size_t kLongest = 200;
  return to_utf8(trim(request.parameter("q").value_or("").substr(0, kLongest)));
}

bool matches(std::string_view query, std::string_view text) {
  const std::string where = lower(text);
  const std::string words = lower(query);
  const auto all = split(words, ' ');
  return std::all_of(all.begin(), all.end(),
                     [&](std::string_view word) { return where.find(word) != std::string::npos; });
}

std::string copyable(std::string_view text, std::string_view label) {
  return "<pre class=\"copy\" role=\"group\" tabindex=\"0\" aria-label=\"" + html_escape(label) + "\"><code>" +
         html_escape(text) + "</code></pre>";
}

}  // namespace tpx::page
