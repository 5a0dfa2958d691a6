#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "expose/http.h"

namespace tpx::expose {

/// What a request's head says, checked as RFC 9112 asks: a head whose end, body length or host is ambiguous is not one.
struct RequestHead {
  Request request;             ///< `remote`, `tls` and `connection` are the caller's to set
  std::size_t body_bytes = 0;  ///< Content-Length
  bool http10 = false;         ///< HTTP/1.0: no chunks in the answer
  bool keep_alive = false;     ///< the client lets the connection be used again
  bool expects_continue = false;
};

/// Why a head is refused: 400, 411, 414, 431, 501 or 505, with a sentence for the client.
struct HeadRefusal {
  int status = 400;
  std::string reason;
};

/// The most header fields in a head; more are refused with 431.
inline constexpr std::size_t kMaxHeaderFields = 100;

/// The length of the head at the start of `bytes`, its empty line included; nothing while that line is missing. A line
/// may end in CRLF or LF (RFC 9112, section 2.2).
[[nodiscard]] std::optional<std::size_t> head_length(std::string_view bytes);

/// Reads a whole head, as long as head_length() said. The target may have origin, absolute or asterisk form. The path is
/// percent-decoded and otherwise as sent; clean_path() normalises it. Pure.
[[nodiscard]] tl::expected<RequestHead, HeadRefusal> parse_request_head(std::string_view head);

/// `path` without empty, `.` and `..` segments, as Go's path.Clean; a slash at its end stays.
[[nodiscard]] std::string clean_path(std::string_view path);

/// `path` as it may stand in a URL: what is not unreserved or a slash is percent-encoded.
[[nodiscard]] std::string encode_path(std::string_view path);

}  // namespace tpx::expose
