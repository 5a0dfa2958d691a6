#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "http/exchange.h"

namespace tpx::http {

/// The gateway's connection to the HTTP server for one exchange: a request on 127.0.0.1 with nothing but the exchange's
/// token, so that no byte of a client is parsed twice. The server closes it when it is done. Used by one thread.
class InternalRequest {
 public:
  /// Connects without waiting, and registers the exchange in `exchanges` for the lifetime of this object. Null: no socket
  /// or port is available.
  [[nodiscard]] static std::unique_ptr<InternalRequest> open(std::uint16_t port, std::shared_ptr<Exchange> exchange,
                                                             std::shared_ptr<Exchanges> exchanges);
  InternalRequest(const InternalRequest&) = delete;
  InternalRequest& operator=(const InternalRequest&) = delete;
  ~InternalRequest();

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// True until the request has been sent: wait until the socket is writable.
  [[nodiscard]] bool unsent() const { return !text_.empty(); }
  /// Sends the rest of the request, or checks for the end of the connection. False: the server has closed it.
  [[nodiscard]] bool advance();

 private:
  InternalRequest(UniqueFd socket, std::uint16_t local_port, const std::string& token,
                  std::shared_ptr<Exchanges> exchanges);

  UniqueFd socket_;
  const std::uint16_t local_port_;
  std::string text_;
  const std::shared_ptr<Exchanges> exchanges_;
};

/// Closes the connections of other processes to `port`: a silent one occupies a thread of the HTTP server. Inspects every
/// descriptor, so call it only when a request was not started in time.
void shut_strangers(std::uint16_t port, const Exchanges& exchanges);

/// The header that carries the token.
inline constexpr const char* kTokenHeader = "Tracepoint-Exporter-Exchange";

}  // namespace tpx::http
