#include "http/request_head.h"

#include <strings.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace tpx::http {
namespace {

using Refused = tl::unexpected<HeadRefusal>;

Refused refuse(std::string reason, int status = 400) {
  return Refused(HeadRefusal{status, std::move(reason)});
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); });
}

/// What a host with an optional port may be made of; a comma or a slash would be read as something else by a proxy.
bool is_authority(std::string_view text) {
  static constexpr std::string_view kMarks = "-._~%!$&'()*+;=:[]";
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string_view trim_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Takes the next line off `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Nothing for an incomplete escape and for control characters: a NUL ends the path for some readers.
std::optional<std::string> decode_path(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return std::nullopt;
    }
    out.push_back(c);
  }
  return out;
}

/// Reads one head; a class for what the lines have in common.
class HeadReader {
 public:
  tl::expected<RequestHead, HeadRefusal> read(std::string_view text);

 private:
  using Done = tl::expected<void, HeadRefusal>;
  Done request_line(std::string_view line);
  Done version(std::string_view text);
  Done target(std::string_view text);
  Done field(std::string_view line);
  Done content_length(std::string_view value);
  Done connection();
  Done finish();

  RequestHead head_;
  std::size_t hosts_ = 0;
  std::optional<std::string> authority_;  ///< of an absolute target; it replaces Host
  bool has_length_ = false;
  bool has_encoding_ = false;
};

HeadReader::Done HeadReader::version(std::string_view text) {
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' && text[5] >= '0' &&
                      text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
  if (!shaped) {
    return refuse("The request line does not end in an HTTP version.");
  }
  if (text[5] != '1') {
    return refuse("This server supports HTTP/1.0 and HTTP/1.1.", 505);
  }
  head_.http10 = text[7] == '0';
  return {};
}

HeadReader::Done HeadReader::target(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; })) {
    return refuse("The request target has characters that must be percent-encoded.");
  }
  if (text == "*" && head_.request.method == "OPTIONS") {
    head_.request.path = "*";
    return {};
  }
  const std::size_t scheme = text.find("://");
  if (!text.starts_with('/') && scheme != std::string_view::npos &&
      (same_name(text.substr(0, scheme), "http") || same_name(text.substr(0, scheme), "https"))) {
    text.remove_prefix(scheme + 3);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    authority_ = std::string(text.substr(0, end));
    text.remove_prefix(end);
    if (authority_->empty() || !is_authority(*authority_)) {
      return refuse("The request target has no valid host.");
    }
  } else if (!text.starts_with('/')) {
    return refuse("The request target must be a path or an http URL.");
  }
  const std::size_t query = std::min(text.find('?'), text.size());
  auto path = decode_path(text.substr(0, query));
  if (!path) {
    return refuse("The path has an invalid percent-encoding or a control character.");
  }
  head_.request.path = path->empty() ? "/" : std::move(*path);
  head_.request.query = query < text.size() ? text.substr(query + 1) : "";
  return {};
}

HeadReader::Done HeadReader::request_line(std::string_view line) {
  const std::vector<std::string_view> parts = split(line, ' ');
  if (parts.size() != 3 || !is_token(parts[0])) {
    return refuse("The request line must be a method, a target and a version.");
  }
  head_.request.method = parts[0];
  if (auto done = version(parts[2]); !done) {
    return done;
  }
  return target(parts[1]);
}

HeadReader::Done HeadReader::content_length(std::string_view value) {
  if (has_length_) {
    return refuse("There is more than one Content-Length.");
  }
  has_length_ = true;
  const bool number = !value.empty() && value.size() <= 18 &&
                      std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number) {
    return refuse("Content-Length is not a number of bytes.");
  }
  for (const char c : value) {
    head_.body_bytes = head_.body_bytes * 10 + static_cast<std::size_t>(c - '0');
  }
  return {};
}

HeadReader::Done HeadReader::field(std::string_view line) {
  if (head_.request.headers.size() == kMaxHeaderFields) {
    return refuse("There are more than " + std::to_string(kMaxHeaderFields) + " header fields.", 431);
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse("A header line must be a name, a colon and a value; continued lines are not accepted.");
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return refuse("A header's value has a control character.");
  }
  if (same_name(name, "Host")) {
    ++hosts_;
    if (!is_authority(value)) {
      return refuse("Host is not a host with an optional port.");
    }
  } else if (same_name(name, "Transfer-Encoding")) {
    has_encoding_ = true;
  } else if (same_name(name, "Content-Length")) {
    if (auto done = content_length(value); !done) {
      return done;
    }
  } else if (same_name(name, "Expect")) {
    head_.expects_continue = same_name(value, "100-continue");
  }
  head_.request.headers.emplace_back(name, value);
  return {};
}

HeadReader::Done HeadReader::connection() {
  head_.keep_alive = !head_.http10;
  for (const auto& [name, value] : head_.request.headers) {
    if (!same_name(name, "Connection")) {
      continue;
    }
    for (const std::string_view option : split(value, ',')) {
      if (same_name(trim_blanks(option), "close")) {
        head_.keep_alive = false;
        return {};
      }
      head_.keep_alive = head_.keep_alive || same_name(trim_blanks(option), "keep-alive");
    }
  }
  return {};
}

HeadReader::Done HeadReader::finish() {
  if (hosts_ > 1 || (hosts_ == 0 && !head_.http10)) {
    return refuse("There must be one Host header.");
  }
  if (has_encoding_ && (has_length_ || head_.http10)) {
    return refuse("Transfer-Encoding goes with neither Content-Length nor HTTP/1.0.");
  }
  if (has_encoding_) {
    return refuse("A body needs a Content-Length.", 411);
  }
  if (authority_) {
    std::erase_if(head_.request.headers, [](const auto& header) { return same_name(header.first, "Host"); });
    head_.request.headers.emplace_back("Host", *authority_);
  }
  return connection();
}

tl::expected<RequestHead, HeadRefusal> HeadReader::read(std::string_view text) {
  // What a line's end may be is CRLF or LF; a CR elsewhere would end a line for some readers.
  for (std::size_t at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    if (at + 1 >= text.size() || text[at + 1] != '\n') {
      return refuse("There is a carriage return without a line feed.");
    }
  }
  while (text.starts_with("\r\n") || text.starts_with('\n')) {  // section 2.2: left by the request before
    take_line(text);
  }
  if (auto done = request_line(take_line(text)); !done) {
    return Refused(std::move(done).error());
  }
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    if (auto done = field(line); !done) {
      return Refused(std::move(done).error());
    }
  }
  if (auto done = finish(); !done) {
    return Refused(std::move(done).error());
  }
  return std::move(head_);
}

}  // namespace

std::optional<std::size_t> head_length(std::string_view bytes) {
  std::size_t begin = 0;
  bool first = true;
  for (;;) {
    const std::size_t end = bytes.find('\n', begin);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view line = bytes.substr(begin, end - begin);
    begin = end + 1;
    const bool empty = line.empty() || line == "\r";
    if (empty && !first) {
      return begin;
    }
    first = first && empty;
  }
}

tl::expected<RequestHead, HeadRefusal> parse_request_head(std::string_view head) {
  return HeadReader().read(head);
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : split(path, '/')) {
    if (segment == ".." && !kept.empty()) {
      kept.pop_back();
    } else if (!segment.empty() && segment != "." && segment != "..") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out.append("/").append(segment);
  }
  if (out.empty() || path.ends_with('/')) {
    out += '/';
  }
  return out;
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  static constexpr std::string_view kUnreserved = "-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       kUnreserved.find(c) != std::string_view::npos || kept.find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4U], kDigits[byte & 15U]});
    }
  }
  return out;
}

}  // namespace tpx::http
