#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "expose/http_statistics.h"
#include "expose/request_head.h"

namespace tpx::expose {

/// How worker threads wake the gateway's thread: the ids of connections with news. Thread-safe.
class ReadyConnections {
 public:
  /// `wake` is an eventfd.
  explicit ReadyConnections(UniqueFd wake) : wake_(std::move(wake)) {}
  /// Readable when there is news; read it before take().
  [[nodiscard]] int descriptor() const { return wake_.get(); }
  void post(std::uint64_t connection) noexcept;
  struct News {
    std::vector<std::uint64_t> connections;
    bool any = false;  ///< there was no memory to say which: look at all
  };
  [[nodiscard]] News take();
  /// Wakes without news.
  void wake();

 private:
  const UniqueFd wake_;
  std::mutex mutex_;
  News news_;
};

/// How many exchanges are with a worker. Thread-safe.
struct Slots {
  std::atomic<std::size_t> all = 0;
  std::atomic<std::size_t> scrapes = 0;
};

/// One request and the answer to it, between the gateway's thread, which talks to the client, and the worker thread that
/// makes the answer. The worker waits where too much of the answer, or of all answers together, is still to be sent.
/// Thread-safe; the request does not change.
/// See docs/design/http-front.md.
class Exchange {
 public:
  struct Limits {
    std::size_t window = 16U << 20U;       ///< bytes of one answer that may wait for the client
    std::size_t all_answers = 64U << 20U;  ///< bytes of all answers that may wait; the first `floor` of each always may
    std::size_t floor = 256U << 10U;
  };
  /// What all exchanges of a server share.
  struct Surroundings {
    Limits limits;
    std::shared_ptr<HttpStatistics> statistics;
    std::shared_ptr<ReadyConnections> ready;
    std::shared_ptr<Slots> slots = std::make_shared<Slots>();
  };

  /// `scrape`: counts in `slots->scrapes` too.
  Exchange(RequestHead head, std::string token, bool scrape, std::shared_ptr<Surroundings> surroundings);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  [[nodiscard]] const RequestHead& head() const { return head_; }
  /// What the internal request must carry; unguessable.
  [[nodiscard]] const std::string& token() const { return token_; }

  // The worker's side.
  /// Only the first call is true: one request is answered once.
  [[nodiscard]] bool claim();
  /// Gives bytes to be sent; waits while too many wait. False: the client is gone, or too slow.
  [[nodiscard]] bool send(std::string bytes);
  /// Before the first send(): the client gets the answer only after this time, which costs no thread.
  void hold(std::chrono::milliseconds delay);
  /// The answer has ended. `whole`: its end was sent. `keep_alive`: its head said that the connection stays.
  void finish(bool whole, bool keep_alive);

  // The gateway's side.
  struct News {
    std::vector<std::string> pieces;
    bool finished = false;
    bool whole = false;
    bool keep_alive = false;
    std::chrono::milliseconds delay{0};
  };
  /// What came since the last call, and whether it was the end.
  [[nodiscard]] News take();
  /// Bytes that were taken have left.
  void sent(std::size_t count);
  /// The client is gone: send() is false from now on, and sent() is not called any more.
  void abandon();
  [[nodiscard]] bool claimed() const;
  /// A worker waits for memory that other answers hold.
  [[nodiscard]] bool starved() const;

 private:
  const RequestHead head_;
  const std::string token_;
  void release_slot();

  const bool scrape_;
  const std::shared_ptr<Surroundings> shared_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::vector<std::string> pieces_;
  std::size_t waiting_ = 0;  ///< bytes given and not sent
  bool posted_ = false;
  bool claimed_ = false;
  bool abandoned_ = false;
  bool starved_ = false;
  bool finished_ = false;
  bool whole_ = false;
  bool keep_alive_ = false;
  bool holds_slot_ = true;
  std::chrono::milliseconds delay_{0};
};

/// The exchanges whose internal connection is open, by its local port on 127.0.0.1. The HTTP server takes no other
/// connection: the port is the gateway's for as long as its socket lives, and the token is told to no other process.
/// Thread-safe.
class Exchanges {
 public:
  void add(std::uint16_t port, std::shared_ptr<Exchange> exchange);
  void remove(std::uint16_t port);
  /// Null when the port is not the gateway's.
  [[nodiscard]] std::shared_ptr<Exchange> find(std::uint16_t port) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint16_t, std::shared_ptr<Exchange>> by_port_;
};

/// 128 random bits as hexadecimal digits.
[[nodiscard]] std::optional<std::string> random_token();

}  // namespace tpx::expose
