#include "loader/exit_echo.h"

#include <utility>

namespace tpx::loader {

void ExitEcho::take(Time now, Ids& ids) {
  if (turned_ && now - *turned_ < period_) {
    return;
  }
  ids.merge(old_);
  old_ = std::exchange(young_, {});
  turned_ = now;
}

}  // namespace tpx::loader
