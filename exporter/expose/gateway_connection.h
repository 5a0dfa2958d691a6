#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "expose/gateway.h"

namespace tpx::expose {

/// Bytes on their way from one socket to the other; never more than fits.
class RelayBuffer {
 public:
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] char* space() { return bytes_.data() + end_; }
  [[nodiscard]] std::size_t room() const { return bytes_.size() - end_; }
  void filled(std::size_t count) { end_ += count; }
  [[nodiscard]] const char* data() const { return bytes_.data() + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  void taken(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }

 private:
  std::array<char, 16384> bytes_{};  // a TLS record's worth
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// One client and its upstream connection, which is opened with the first byte of the request, so that a client that
/// says nothing holds no HTTP worker. Used by the gateway's thread alone.
class Gateway::Connection {
 public:
  Connection(UniqueFd client, std::string name, const Options& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// What to wait for, in the order client, upstream; a descriptor of -1 waits for nothing.
  void describe(pollfd& client, pollfd& upstream) const;
  /// Moves what can be moved. False: the connection is over.
  [[nodiscard]] bool advance();
  /// When advance() must be called even if nothing happens.
  [[nodiscard]] Clock::time_point deadline() const { return progress_ + options_.timeout; }
  /// True when time is counted: in the handshake, and while bytes wait for the client.
  [[nodiscard]] bool timed() const { return handshaking_ || !to_client_.empty(); }

 private:
  enum class Io { Done, Again, Closed };

  [[nodiscard]] bool handshake();
  [[nodiscard]] bool refuse_plain_http();
  [[nodiscard]] bool open_upstream();
  Io read_client();
  Io write_client();
  Io read_upstream();
  Io write_upstream();
  Io tls_result(int result);
  [[nodiscard]] bool relay();

  const Options& options_;
  UniqueFd client_;
  UniqueFd upstream_;
  std::string name_;
  std::uint16_t local_port_ = 0;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool handshaking_ = false;
  short tls_wants_ = 0;  ///< POLLIN or POLLOUT that OpenSSL asked for
  bool client_ended_ = false;
  bool upstream_ended_ = false;
  bool upstream_told_ = false;  ///< the client's end was passed on
  RelayBuffer to_upstream_;
  RelayBuffer to_client_;
  Clock::time_point progress_ = Clock::now();
};

}  // namespace tpx::expose
