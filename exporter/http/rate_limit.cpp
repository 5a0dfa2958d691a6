#include "http/rate_limit.h"

#include <algorithm>

namespace tpx::http {

bool RateLimit::allow(Clock::time_point now) {
  using Seconds = std::chrono::duration<double>;
  const std::scoped_lock lock(mutex_);
  if (now > looked_) {
    tokens_ = std::min(burst_, tokens_ + Seconds(now - looked_) / Seconds(interval_));
    looked_ = now;
  }
  if (tokens_ < 1) {
    return false;
  }
  tokens_ -= 1;
  return true;
}

}  // namespace tpx::http
