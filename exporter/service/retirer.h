#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "loader/exit_watch.h"
#include "loader/grace_period.h"
#include "reader/retirement.h"

namespace tpx::service {

/// Removes the rows of exited processes and threads from their stores about once a second, with or without scrapes, and sooner
/// where so many rows are new that a store might be full before: a
/// thread collects the ids that exited, marks their rows, waits until no program uses them, and removes them between two
/// scrapes, a few at a time. So a scrape never waits for a grace period, and finds each count in one place: in its row, or
/// where the service moved it.
/// See docs/design/series-expiry.md.
class Retirer {
 public:
  struct Target {
    reader::Retirement retirement;
    reader::TakeSeries take;      ///< called with the service's mutex held
    std::uint64_t rows_left = 0;  ///< rows in use after the last removal
  };

  /// A reader of rows must hold `service`; nothing else may use `watch` meanwhile. Both must outlive this. Waits until
  /// begin().
  [[nodiscard]] static Result<std::unique_ptr<Retirer>> start(loader::ExitWatch& watch, std::mutex& service,
                                                              std::vector<Target> targets);

  /// From now on series expire.
  void begin();
  /// While the lock is held, nothing expires. Take it before the service's mutex.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
  /// Goes on where `other` stopped, which does nothing from then on. Before begin(); `held` is other.hold().
  void take_over(Retirer& other, const std::unique_lock<std::mutex>& held);

  /// Whether the process or thread is known to have exited. Its rows may not be removed yet; those that were never exposed
  /// need not be exposed any more. Any thread may call it.
  [[nodiscard]] bool is_over(std::uint32_t id) const;

 private:
  Retirer(loader::ExitWatch& watch, std::mutex& service, loader::GracePeriod grace, std::vector<Target> targets);
  void run(const std::stop_token& stop);
  /// Sleeps until rows are to be removed again.
  void rest(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  [[nodiscard]] bool fills_up() const;
  void retire();
  void collect(Target& target);

  mutable std::mutex watch_mutex_;
  loader::ExitWatch& watch_;  ///< guarded by `watch_mutex_`
  std::mutex& service_;
  loader::GracePeriod grace_;
  std::vector<Target> targets_;
  loader::Ids again_;  ///< of rows that were being inserted

  std::mutex mutex_;  ///< held while series expire
  bool runs_ = false;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace tpx::service
