#include "service/retirer.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace tpx::service {
namespace {

constexpr std::chrono::seconds kPeriod{1};
/// How often the stores are asked whether they fill up. At 2,000 processes a second and 3 rows each, 600 rows come in between.
constexpr std::chrono::milliseconds kGlance{100};
/// Rows that are taken out while a scrape has to wait.
constexpr std::size_t kBatch = 256;
/// Between two batches: a mutex that is taken again at once does not let a thread have it that waits for it.
constexpr std::chrono::microseconds kPause{200};

}  // namespace

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

bool Retirer::is_over(std::uint32_t id) const {
  const std::lock_guard lock(watch_mutex_);
  return watch_.is_over(id);
}

void Retirer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return runs_; }) && !stop.stop_requested()) {
    retire();
    rest(lock, stop);
  }
}

void Retirer::rest(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + kPeriod;
  for (Target& target : targets_) {
    target.rows_left = target.retirement.rows();
  }
  do {
    wake_.wait_for(lock, stop, kGlance, [] { return false; });
  } while (!stop.stop_requested() && std::chrono::steady_clock::now() < end && !fills_up());
}

/// Whether a store has new rows by a quarter of what was free, so that a few more such periods fill it.
bool Retirer::fills_up() const {
  return std::any_of(targets_.begin(), targets_.end(), [](const Target& target) {
    const std::uint64_t rows = target.retirement.rows();
    return rows > target.rows_left && 4 * (rows - target.rows_left) > target.retirement.most_rows() - target.rows_left;
  });
}

void Retirer::begin() {
  const std::lock_guard lock(mutex_);
  runs_ = true;
  wake_.notify_all();
}

void Retirer::take_over(Retirer& other, const std::unique_lock<std::mutex>& /*held*/) {
  other.runs_ = false;
  again_ = std::move(other.again_);
  for (Target& target : targets_) {
    for (Target& before : other.targets_) {
      if (target.retirement.metric().identity == before.retirement.metric().identity) {
        target.retirement.take_over(before.retirement);
      }
    }
  }
}

void Retirer::retire() {
  loader::Ids ids = std::exchange(again_, {});
  {
    const std::lock_guard lock(watch_mutex_);
    watch_.take(std::chrono::steady_clock::now(), ids);
  }
  bool any = false;
  for (Target& target : targets_) {
    any = target.retirement.mark(ids, again_) || any;
  }
  // Without a grace period the rows stay where they are, marked and counted, for the next time.
  if (!any || !grace_.wait()) {
    return;
  }
  for (Target& target : targets_) {
    collect(target);
  }
}

void Retirer::collect(Target& target) {
  for (bool more = true; more;) {
    {
      const std::lock_guard lock(service_);
      const auto left = target.retirement.collect(target.take, kBatch);
      // A hash that can't be written keeps its rows for the next time.
      more = left && *left;
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tpx::service
