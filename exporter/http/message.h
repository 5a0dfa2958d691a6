#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tpx::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// One request as a handler sees it: a plain value.
struct Request {
  std::string method;
  std::string path;   ///< percent-decoded, otherwise as sent; `*` of OPTIONS *
  std::string query;  ///< what follows '?', still encoded
  Headers headers;
  std::string remote;  ///< the client's address as text
  bool tls = false;
  /// The client's connection: unique while the server runs, the same for all requests on a kept connection.
  std::uint64_t connection = 0;
  /// Expires when the client's connection is closed. Null: unknown.
  std::shared_ptr<const void> open;

  /// The value of a header by its name in any case, or null.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  /// The decoded value of a query parameter; the first of several.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Told true when the last byte of an answer was passed to the client's socket, and false when the answer fails. It may be
/// told false after true: the connection was reset, or closed with bytes that the client's system had not acknowledged.
/// Called by any thread; must neither wait nor throw.
using Delivery = std::function<void(bool received)>;

/// Where a handler puts its answer: begin() once, then write() as often as it likes. What is short goes out with a
/// Content-Length, the rest in chunks. Used by one thread.
class Response {
 public:
  Response() = default;
  virtual ~Response() = default;
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// Status and headers. Content-Length, Transfer-Encoding, Connection and Date are the server's to set.
  virtual void begin(int status, Headers headers) = 0;
  /// More of the body. False once the client is gone or too slow, or wants no body (HEAD): the handler may stop.
  virtual bool write(std::string_view piece) = 0;
  /// From now on write() keeps what the client does not read yet and never waits, for a handler that holds a lock while it
  /// writes. Waits first while other answers use up the memory for answers. False: the client is gone.
  virtual bool reserve() { return true; }
  /// Has `told` called with what becomes of the answer. Call it once, after the last write().
  virtual void on_delivery(const Delivery& told) { told(true); }

  /// A whole answer of one type.
  void send(int status, std::string_view content_type, std::string_view body);
  void send_text(int status, std::string_view body) { send(status, "text/plain; charset=utf-8", body); }
};

using Handler = std::function<void(const Request&, Response&)>;

/// What one path answers. GET implies HEAD.
struct Route {
  std::string path;  ///< `/x/*`: every path that begins with `/x/`
  std::vector<std::string> methods = {"GET"};
  Handler handler;
  bool scrape = false;  ///< counts among the scrapes in flight, of which there are only so many
};

/// `Not Found` for 404; "" for a status unknown here.
[[nodiscard]] std::string_view status_text(int status);

}  // namespace tpx::http
