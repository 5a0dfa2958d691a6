#include "base/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "catch.h"

namespace tpx {
namespace {

TEST_CASE("every index is worked on once, whatever the number of threads") {
  for (const std::size_t threads : {0U, 1U, 3U, 16U}) {
    for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
      std::vector<std::atomic<int>> done(count);
      for_each_index(count, threads, [&](std::size_t index) { ++done[index]; });
      for (const auto& times : done) {
        CHECK(times == 1);
      }
    }
  }
}

/// Lets each caller wait until so many are there; false for those that gave up.
class Meeting {
 public:
  explicit Meeting(int expected) : expected_(expected) {}

  bool join() {
    std::unique_lock lock(mutex_);
    ++present_;
    changed_.notify_all();
    return changed_.wait_until(lock, deadline_, [&] { return present_ >= expected_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int expected_;
  int present_ = 0;
};

TEST_CASE("work goes on at once in as many threads as asked for") {
  Meeting meeting(4);
  std::atomic<int> met = 0;
  for_each_index(4, 4, [&](std::size_t) { met += meeting.join() ? 1 : 0; });
  CHECK(met == 4);  // one thread after the other would not have met
}

}  // namespace
}  // namespace tpx
