#pragma once

#include <functional>
#include <vector>

#include "base/error.h"
#include "http/message.h"

namespace tpx::http {

/// What the routes under /-/ ask and do. All are called from several threads at once.
struct Admin {
  std::function<bool()> ready;  ///< true once the first attach is done
  bool lifecycle = false;       ///< --web.enable-lifecycle
  std::function<Result<std::string>()>
      reload;  ///< loads the configuration again; what the answer says when that worked
};

/// /-/healthy (always 200), /-/ready (503 until ready), /-/reload (POST or PUT; 403 without lifecycle, 500 with the
/// error), answered in Prometheus' words.
[[nodiscard]] std::vector<Route> admin_routes(const Admin& admin);

}  // namespace tpx::http
