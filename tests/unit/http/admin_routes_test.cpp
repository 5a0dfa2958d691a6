#include "http/admin_routes.h"

#include "catch.h"
#include "unit/http/recorded_response.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::RecordedResponse;

namespace {

struct Answer {
  int status = 0;
  std::string body;
};

Answer ask(const Admin& admin, const std::string& path) {
  for (const Route& route : admin_routes(admin)) {
    if (route.path == path) {
      RecordedResponse response;
      route.handler(Request{}, response);
      return {response.status, response.body};
    }
  }
  return {};
}

Admin make() {
  return {[] { return true; }, true, [] { return Result<std::string>(); }};
}

}  // namespace

TEST_CASE("ready is 503 until the first attach is done, healthy always 200") {
  bool attached = false;
  Admin admin = make();
  admin.ready = [&] { return attached; };
  CHECK(ask(admin, "/-/ready").status == 503);
  CHECK(ask(admin, "/-/healthy").status == 200);
  attached = true;
  CHECK(ask(admin, "/-/ready").status == 200);
}

TEST_CASE("reload needs the lifecycle flag and says why it failed") {
  int reloads = 0;
  Admin admin = make();
  admin.reload = [&]() -> Result<std::string> {
    ++reloads;
    return "serving 2 metrics\n";
  };
  admin.lifecycle = false;
  const Answer forbidden = ask(admin, "/-/reload");
  CHECK(forbidden.status == 403);
  CHECK(forbidden.body == "Lifecycle API is not enabled.\n");
  CHECK(reloads == 0);
  admin.lifecycle = true;
  const Answer done = ask(admin, "/-/reload");
  CHECK(done.status == 200);
  CHECK(done.body == "serving 2 metrics\n");
  CHECK(reloads == 1);
  admin.reload = []() -> Result<std::string> { return fail("line 3 is wrong", "mend it"); };
  const Answer failed = ask(admin, "/-/reload");
  CHECK(failed.status == 500);
  CHECK(failed.body == "failed to reload config: line 3 is wrong; mend it\n");
}

TEST_CASE("reload is asked for by POST or PUT") {
  for (const Route& route : admin_routes(make())) {
    const std::vector<std::string> expected =
        route.path == "/-/reload" ? std::vector<std::string>{"POST", "PUT"} : std::vector<std::string>{"GET"};
    CHECK(route.methods == expected);
  }
}
