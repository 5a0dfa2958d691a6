#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "http/message.h"

namespace tpx::http {

/// A parsed request head, valid by RFC 9112. A head whose end, body length or host is ambiguous is refused.
struct RequestHead {
  Request request;             ///< the caller sets `remote`, `tls` and `connection`
  std::size_t body_bytes = 0;  ///< Content-Length
  bool http10 = false;         ///< HTTP/1.0: no chunked response
  bool keep_alive = false;     ///< the client allows the connection to be reused
  bool expects_continue = false;
};

/// Why a head is refused: status 400, 411, 414, 431, 501 or 505, and a sentence for the client.
struct HeadRefusal {
  int status = 400;
  std::string reason;
};

/// The limit of header fields in a head; more are refused with 431.
inline constexpr std::size_t kMaxHeaderFields = 100;

/// The length of the head at the start of `bytes`, its empty line included; nothing while that line is missing. A line
/// may end in CRLF or LF (RFC 9112, section 2.2).
[[nodiscard]] std::optional<std::size_t> head_length(std::string_view bytes);

/// Reads a whole head, as long as head_length() said. The target may have origin, absolute or asterisk form. The path is
/// percent-decoded and otherwise as sent; clean_path() normalises it. Pure.
[[nodiscard]] tl::expected<RequestHead, HeadRefusal> parse_request_head(std::string_view head);

/// `path` without empty, `.` and `..` segments, like Go's path.Clean, except that a trailing slash is kept.
[[nodiscard]] std::string clean_path(std::string_view path);

/// `text` encoded for a URL: all characters except unreserved ones (RFC 3986, section 2.3) and those in `kept` are
/// percent-encoded.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view kept = {});

}  // namespace tpx::http
