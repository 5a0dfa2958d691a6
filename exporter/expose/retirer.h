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

namespace tpx::expose {

/// Takes the rows of ended processes and threads out of their stores, about once a second, whether anybody scrapes or not: a
/// thread asks which ids are over, marks their rows, waits until no program holds one, and takes them out between two
/// scrapes, a few at a time. So a scrape waits for no grace period, and sees each count in one place: in its row, or where
/// the service put it.
/// See docs/design/series-expiry.md.
class Retirer {
 public:
  struct Target {
    reader::Retirement retirement;
    reader::TakeSeries take;  ///< called with the service's mutex held
  };

  /// `service` is held by whoever reads rows; `watch` is this one's alone. Both outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Retirer>> start(loader::ExitWatch& watch, std::mutex& service,
                                                              std::vector<Target> targets);

  /// Whether the process or thread is known to be over, though its rows may still be there: what nobody was shown yet need
  /// not be shown any more. Any thread.
  [[nodiscard]] bool is_over(std::uint32_t id) const;

 private:
  Retirer(loader::ExitWatch& watch, std::mutex& service, loader::GracePeriod grace, std::vector<Target> targets);
  void run(const std::stop_token& stop);
  void retire();
  void collect(Target& target);

  mutable std::mutex watch_mutex_;
  loader::ExitWatch& watch_;  ///< by `watch_mutex_`
  std::mutex& service_;
  loader::GracePeriod grace_;
  std::vector<Target> targets_;
  loader::Ids again_;  ///< of rows that were being inserted

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace tpx::expose
