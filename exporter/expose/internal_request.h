#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "expose/exchange.h"

namespace tpx::expose {

/// The gateway's connection to the HTTP server for one exchange: a request on 127.0.0.1 that carries only the exchange's
/// token, so that no byte of a client is parsed twice. Its end says that the server is done with it. Used by one thread.
class InternalRequest {
 public:
  /// Connects (without waiting) and registers the exchange in `exchanges` while this lives. Null: no socket, or no port.
  [[nodiscard]] static std::unique_ptr<InternalRequest> open(std::uint16_t port, std::shared_ptr<Exchange> exchange,
                                                             std::shared_ptr<Exchanges> exchanges);
  InternalRequest(const InternalRequest&) = delete;
  InternalRequest& operator=(const InternalRequest&) = delete;
  ~InternalRequest();

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// True until the request is on its way: wait until the socket is writable.
  [[nodiscard]] bool unsent() const { return !text_.empty(); }
  /// Sends, or looks for the end. False: the server has ended the connection.
  [[nodiscard]] bool advance();

 private:
  InternalRequest(UniqueFd socket, std::uint16_t local_port, const std::string& token,
                  std::shared_ptr<Exchanges> exchanges);

  UniqueFd socket_;
  const std::uint16_t local_port_;
  std::string text_;
  const std::shared_ptr<Exchanges> exchanges_;
};

/// Ends what other processes have connected to `port`: as long as such a connection says nothing, it holds a thread of the
/// HTTP server. Looks at every descriptor, so it is for when a request is not begun in time.
void shut_strangers(std::uint16_t port, const Exchanges& exchanges);

/// The header that carries the token.
inline constexpr const char* kTokenHeader = "Tracepoint-Exporter-Exchange";

}  // namespace tpx::expose
