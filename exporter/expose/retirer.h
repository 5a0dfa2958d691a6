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

/// Ends series after the scrape that showed them last. Which ids are over is asked at the start of a scrape; once it has
/// been written, a thread marks their rows, waits until no program holds one, and takes them out between two scrapes. So a
/// scrape waits for no grace period, and sees each count in one place: in its own series, or among the exited ones.
class Retirer {
 public:
  struct Target {
    reader::Retirement retirement;
    reader::TakeSeries take;  ///< called with the service's mutex held
  };

  /// `service` is held by whoever reads rows, `watch` asked with it held. Both outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Retirer>> start(loader::ExitWatch& watch, std::mutex& service,
                                                              std::vector<Target> targets);

  /// The time of one scrape, with the service's mutex held. The retirer may be null. Without shown(), as when the client
  /// went away, what is over waits for the next scrape.
  class Scrape {
   public:
    explicit Scrape(Retirer* retirer);
    Scrape(const Scrape&) = delete;
    Scrape& operator=(const Scrape&) = delete;
    ~Scrape() = default;
    /// All series have been written.
    void shown();

   private:
    Retirer* retirer_;
  };

 private:
  Retirer(loader::ExitWatch& watch, std::mutex& service, loader::GracePeriod grace, std::vector<Target> targets);
  void run(const std::stop_token& stop);
  void retire(const loader::Ids& ids);

  loader::ExitWatch& watch_;
  std::mutex& service_;
  loader::GracePeriod grace_;
  std::vector<Target> targets_;  ///< the thread's alone
  loader::Ids seen_;             ///< by `service_`: over before the scrape that runs

  std::mutex mutex_;
  std::condition_variable_any wake_;
  loader::Ids due_;  ///< by `mutex_`: all that they counted has been shown
  std::jthread thread_;
};

}  // namespace tpx::expose
