#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "http/client_socket.h"
#include "http/gateway.h"
#include "http/internal_request.h"
#include "http/request_head.h"

namespace tpx::http {

/// One client connection: reads a request, waits for its response, sends it, and starts over. Used by the gateway's thread
/// only.
///
///     Handshake → Head → Body → Queued → Answering → Head …
///                   ↘ refused ↘      ↘ 503      ↘ last answer
///                                 Refusing → Draining → closed
/// See docs/design/http-front.md.
class Gateway::Connection {
 public:
  enum class State : std::uint8_t { Handshake, Head, Body, Queued, Answering, Refusing, Draining };

  Connection(Gateway& gateway, std::uint64_t id, UniqueFd client, std::string name);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] int descriptor() const { return client_.descriptor(); }
  /// Makes all progress that is possible without waiting. False: close the connection.
  [[nodiscard]] bool advance(Clock::time_point now);
  /// Call it at deadline(). False: close the connection.
  [[nodiscard]] bool expire(Clock::time_point now);
  [[nodiscard]] Clock::time_point deadline() const;
  /// The epoll events to wait for, besides EPOLLERR and EPOLLHUP.
  [[nodiscard]] std::uint32_t wanted() const;
  /// The internal connection to the HTTP server is ready.
  [[nodiscard]] bool advance_internal(Clock::time_point now);
  /// Passes the waiting request to the HTTP server. False: close the connection.
  [[nodiscard]] bool begin(bool scrape, Clock::time_point now);
  /// Refuses the waiting request: sends a response, then closes.
  void refuse(int status, const std::string& text, const std::string& header = {});

  /// Whether no request is being received or served.
  [[nodiscard]] bool idle() const { return state_ == State::Head && in_.empty(); }
  /// When the client last sent or read data.
  [[nodiscard]] Clock::time_point progress() const { return progress_; }
  /// Whether bytes of a response are unsent.
  [[nodiscard]] bool is_behind() const { return !out_.empty(); }
  [[nodiscard]] bool starved() const { return exchange_ != nullptr && exchange_->starved(); }

  std::uint32_t watched = 0;  ///< the events registered with epoll

 private:
  enum class Step : std::uint8_t { Again, Wait, Over };

  [[nodiscard]] Step step(Clock::time_point now);
  Step handshake(Clock::time_point now);
  Step read_head(Clock::time_point now);
  Step read_body(Clock::time_point now);
  Step answer(Clock::time_point now);
  Step finish_answer(Clock::time_point now);
  Step send_refusal(Clock::time_point now);
  Step drain(Clock::time_point now);
  Step parse(std::size_t length, Clock::time_point now);
  void take_news(Clock::time_point now);
  ClientSocket::Io fill(std::size_t room);
  ClientSocket::Io flush(Clock::time_point now);
  void enter(State state, Clock::time_point now);

  Gateway& gateway_;
  const std::uint64_t id_;
  const std::shared_ptr<const void> open_ = std::make_shared<char>();  ///< see Request::open
  ClientSocket client_;
  const std::string name_;
  State state_ = State::Head;
  std::string in_;             ///< received and not yet parsed
  std::size_t body_left_ = 0;  ///< bytes of the request body still to come
  std::optional<RequestHead> head_;
  std::shared_ptr<Exchange> exchange_;
  std::unique_ptr<InternalRequest> internal_;
  std::deque<std::string> out_;
  std::size_t out_offset_ = 0;  ///< bytes of the first piece that are already sent
  bool finished_ = false;       ///< `out_` has the last piece of the response
  bool whole_ = false;
  bool keep_alive_ = false;
  Delivery delivery_;          ///< of the last answer, until the client sends the next request
  bool used_ = false;          ///< it has served a request
  Clock::time_point entered_;  ///< when it entered the state
  Clock::time_point progress_;
  Clock::time_point answer_began_{};
  Clock::time_point hold_until_{};
  std::size_t drained_ = 0;
};

}  // namespace tpx::http
