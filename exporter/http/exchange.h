#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "http/request_head.h"
#include "http/statistics.h"

namespace tpx::http {

/// The queue through which worker threads wake the gateway's thread: ids of connections that have news. Thread-safe.
class ReadyConnections {
 public:
  /// `wake` is an eventfd.
  explicit ReadyConnections(UniqueFd wake) : wake_(std::move(wake)) {}
  /// Readable when there is news. Read it before take().
  [[nodiscard]] int descriptor() const { return wake_.get(); }
  void post(std::uint64_t connection) noexcept;
  struct News {
    std::vector<std::uint64_t> connections;
    bool any = false;  ///< out of memory for the ids: check all connections
  };
  [[nodiscard]] News take();
  /// Wakes without news.
  void wake();

 private:
  const UniqueFd wake_;
  std::mutex mutex_;
  News news_;
};

/// The numbers of exchanges that a worker is processing. Thread-safe.
struct Slots {
  std::atomic<std::size_t> all = 0;
  std::atomic<std::size_t> scrapes = 0;
};

/// One request and its response, shared by the gateway's thread, which talks to the client, and the worker thread that
/// produces the response. While the client keeps up, the worker writes to its socket; what the socket does not take is
/// queued for the gateway. The worker waits while too many bytes of the response, or of all responses together, are queued.
/// Thread-safe; the request is immutable.
/// See docs/design/http-front.md.
class Exchange {
 public:
  struct Limits {
    std::size_t window = 16U << 20U;  ///< limit of unsent bytes of one response, unless reserve() was called
    /// Limit of unsent bytes of all responses; those that called reserve() before it was reached may exceed it.
    std::size_t all_answers = 64U << 20U;
    std::size_t floor = 256U << 10U;  ///< unsent bytes that each response may have even then
  };
  /// State shared by all exchanges of a server.
  struct Surroundings {
    Limits limits;
    std::shared_ptr<HttpStatistics> statistics;
    std::shared_ptr<ReadyConnections> ready;
    std::shared_ptr<Slots> slots = std::make_shared<Slots>();
  };

  /// With `scrape` it also counts in `slots->scrapes`.
  Exchange(RequestHead head, std::string token, bool scrape, std::shared_ptr<Surroundings> surroundings);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  [[nodiscard]] const RequestHead& head() const { return head_; }
  /// The unguessable token that the internal request must carry.
  [[nodiscard]] const std::string& token() const { return token_; }

  // For the worker.
  /// True for the first call only, so that a request is answered once.
  [[nodiscard]] bool claim();
  /// Waits while all responses together use up their memory; afterwards send() does not wait. False: the client has
  /// disconnected.
  [[nodiscard]] bool reserve();
  /// Sends or queues bytes for the client; waits while too many are unsent. False: the client has disconnected or is too
  /// slow.
  [[nodiscard]] bool send(std::span<const std::string_view> pieces);
  /// See Response::on_delivery().
  void on_delivery(Delivery told);
  /// Delays the response without occupying a thread. Call it before the first send().
  void hold(std::chrono::milliseconds delay);
  /// The request no longer counts against the limit of requests: no more than the end of its response remains to be sent.
  void leave_slot();
  /// Ends the response. `whole`: it is complete. `keep_alive`: its head announced that the connection stays open.
  void finish(bool whole, bool keep_alive);

  // For the gateway.
  /// Lets the worker write to the client's plain socket while no byte is queued, until abandon() or finish(). Call it
  /// before the worker knows the exchange.
  void write_to(int socket) { socket_ = socket; }
  struct News {
    std::vector<std::string> pieces;
    bool begun = false;  ///< the worker has sent or queued bytes
    bool finished = false;
    bool whole = false;
    bool keep_alive = false;
    std::chrono::milliseconds delay{0};
  };
  /// The bytes queued since the last call, and whether the response has ended.
  [[nodiscard]] News take();
  /// Reports that `count` of the taken bytes were sent.
  void sent(std::size_t count);
  /// The client has disconnected: send() returns false from now on. Do not call sent() afterwards.
  void abandon();
  /// What on_delivery() was given, for the gateway to call; may be empty.
  [[nodiscard]] Delivery take_delivery();
  [[nodiscard]] bool claimed() const;
  /// Whether the worker waits for memory used by other responses.
  [[nodiscard]] bool starved() const;

 private:
  const RequestHead head_;
  const std::string token_;
  void release_slot();
  [[nodiscard]] bool wait_for_room(std::unique_lock<std::mutex>& lock);
  void wait_for_others(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::size_t write_now(std::span<const std::string_view> pieces) const;

  const bool scrape_;
  const std::shared_ptr<Surroundings> shared_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::vector<std::string> pieces_;
  std::size_t waiting_ = 0;  ///< bytes queued and not sent
  int socket_ = -1;
  Delivery delivery_;
  bool begun_ = false;
  bool reserved_ = false;
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

/// The exchanges with an open internal connection, by its local port on 127.0.0.1. The HTTP server accepts no other
/// connection: the port belongs to the gateway while its socket is open, and no other process knows the token. Thread-safe.
class Exchanges {
 public:
  void add(std::uint16_t port, std::shared_ptr<Exchange> exchange);
  void remove(std::uint16_t port);
  /// Null when the port does not belong to the gateway.
  [[nodiscard]] std::shared_ptr<Exchange> find(std::uint16_t port) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint16_t, std::shared_ptr<Exchange>> by_port_;
};

/// 128 random bits as hexadecimal digits.
[[nodiscard]] std::optional<std::string> random_token();

}  // namespace tpx::http
