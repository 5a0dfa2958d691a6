#include "expose/retirer.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace tpx::expose {

Result<std::unique_ptr<Retirer>> Retirer::start(loader::ExitWatch& watch, std::mutex& service,
                                                std::vector<Target> targets) {
  auto grace = loader::GracePeriod::make();
  if (!grace) {
    return fail(std::move(grace.error()));
  }
  std::unique_ptr<Retirer> retirer(new Retirer(watch, service, std::move(*grace), std::move(targets)));
  try {
    retirer->thread_ = std::jthread([self = retirer.get()](const std::stop_token& stop) { self->run(stop); });
  } catch (const std::system_error& error) {
    return fail(os_failure("cannot start the thread that ends series", error.code().value(),
                           "raise the limit of threads: TasksMax= of systemd, pids.max, ulimit -u"));
  }
  return retirer;
}

Retirer::Retirer(loader::ExitWatch& watch, std::mutex& service, loader::GracePeriod grace, std::vector<Target> targets)
    : watch_(watch), service_(service), grace_(std::move(grace)), targets_(std::move(targets)) {}

Retirer::Scrape::Scrape(Retirer* retirer) : retirer_(retirer) {
  if (retirer_ != nullptr) {
    retirer_->watch_.take(std::chrono::steady_clock::now(), retirer_->seen_);
  }
}

void Retirer::Scrape::shown() {
  if (retirer_ == nullptr || retirer_->seen_.empty()) {
    return;
  }
  const std::lock_guard lock(retirer_->mutex_);
  retirer_->due_.merge(retirer_->seen_);
  retirer_->seen_.clear();
  retirer_->wake_.notify_one();
}

void Retirer::run(const std::stop_token& stop) {
  for (;;) {
    loader::Ids ids;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !due_.empty(); })) {
        return;
      }
      ids = std::exchange(due_, {});
    }
    retire(ids);
  }
}

void Retirer::retire(const loader::Ids& ids) {
  loader::Ids again;
  bool any = false;
  for (Target& target : targets_) {
    any = target.retirement.mark(ids, again) || any;
  }
  // Without a grace period the rows stay where they are, marked and counted, for the next time.
  const bool safe = any && grace_.wait();
  const std::lock_guard lock(service_);
  if (safe) {
    for (Target& target : targets_) {
      // A hash that can't be read shows as a metric that is down; its series wait.
      static_cast<void>(target.retirement.collect(target.take));
    }
  }
  seen_.merge(again);
}

}  // namespace tpx::expose
