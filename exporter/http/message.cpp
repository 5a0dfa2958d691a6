#include "http/message.h"

#include <strings.h>

#include <algorithm>

namespace tpx::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string decode_form(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

}  // namespace

const std::string* Request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& entry) {
    return entry.first.size() == name.size() && ::strncasecmp(entry.first.data(), name.data(), name.size()) == 0;
  });
  return found == headers.end() ? nullptr : &found->second;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (decode_form(pair.substr(0, equals)) == name) {
      return equals == pair.size() ? std::string{} : decode_form(pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

void Response::send(int status, std::string_view content_type, std::string_view body) {
  begin(status, {{"Content-Type", std::string(content_type)}});
  write(body);
}

std::string_view status_text(int status) {
  struct Row {
    int status;
    std::string_view text;
  };
  static constexpr Row kRows[] = {{200, "OK"},
                                  {204, "No Content"},
                                  {301, "Moved Permanently"},
                                  {302, "Found"},
                                  {400, "Bad Request"},
                                  {401, "Unauthorized"},
                                  {403, "Forbidden"},
                                  {404, "Not Found"},
                                  {405, "Method Not Allowed"},
                                  {406, "Not Acceptable"},
                                  {408, "Request Timeout"},
                                  {411, "Length Required"},
                                  {413, "Content Too Large"},
                                  {414, "URI Too Long"},
                                  {429, "Too Many Requests"},
                                  {431, "Request Header Fields Too Large"},
                                  {500, "Internal Server Error"},
                                  {501, "Not Implemented"},
                                  {503, "Service Unavailable"},
                                  {505, "HTTP Version Not Supported"}};
  for (const Row& row : kRows) {
    if (row.status == status) {
      return row.text;
    }
  }
  return "";
}

}  // namespace tpx::http
