#include "http/admin_routes.h"

namespace tpx::http {

std::vector<Route> admin_routes(const Admin& admin) {
  Route healthy;
  healthy.path = "/-/healthy";
  healthy.handler = [](const Request&, Response& response) {
    response.send_text(200, "tracepoint_exporter is Healthy.\n");
  };

  Route ready;
  ready.path = "/-/ready";
  ready.handler = [is_ready = admin.ready](const Request&, Response& response) {
    if (is_ready()) {
      response.send_text(200, "tracepoint_exporter is Ready.\n");
    } else {
      response.send_text(503, "tracepoint_exporter is not ready: attaching.\n");
    }
  };

  Route reload;
  reload.path = "/-/reload";
  reload.methods = {"POST", "PUT"};
  reload.handler = [lifecycle = admin.lifecycle, run = admin.reload](const Request&, Response& response) {
    if (!lifecycle) {
      response.send_text(403, "Lifecycle API is not enabled.\n");
      return;
    }
    const auto done = run();
    if (!done) {
      const std::string hint = done.error().hint.empty() ? "" : "; " + done.error().hint;
      response.send_text(500, "failed to reload config: " + done.error().message + hint + "\n");
      return;
    }
    response.send_text(200, *done);
  };
  return {healthy, ready, reload};
}

}  // namespace tpx::http
