#include "service/scrapers.h"

#include <memory>
#include <string>

#include "catch.h"

namespace tpx::service {
namespace {

using decode::Showing;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Connection = std::shared_ptr<const void>;

Connection connect() {
  return std::make_shared<int>(0);
}

ScrapeClient client(Connection connection, std::string group = "a", double timeout = 1) {
  ScrapeClient result;
  result.group = std::move(group);
  result.connection = std::move(connection);
  result.timeout = std::chrono::duration<double>(timeout);
  return result;
}

/// The registry and a clock.
struct World {
  Scrapers scrapers;
  Scrapers::Time now{seconds(1000)};

  /// A whole scrape; what it showed.
  Showing scrape(const std::optional<ScrapeClient>& who, bool sent = true) {
    const Scrapers::Scrape scrape = scrapers.begin(who, now);
    scrapers.end(scrape, sent, now + milliseconds(10));
    return scrape.showing;
  }
  void pass(milliseconds time) { now += time; }
};

TEST_CASE("a scraper's first scrape shows values, and later ones what its last one showed") {
  World w;
  const Connection connection = connect();
  CHECK(w.scrape(client(connection)).by_value == Showing::kAll);
  w.pass(seconds(5));
  w.scrape(std::nullopt);
  const Showing second = w.scrape(client(connection));
  CHECK(second.sequence == 3);
  CHECK(second.by_value == 1);  // what the other one was shown first is new to it
  w.pass(seconds(5));
  CHECK(w.scrape(client(connection)).by_value == 3);
}

TEST_CASE("who is no scraper gets values, and changes nothing for those who are") {
  World w;
  const Connection connection = connect();
  w.scrape(client(connection));
  for (int i = 0; i < 5; ++i) {
    CHECK(w.scrape(std::nullopt).by_value == Showing::kAll);
  }
  CHECK(w.scrape(client(connection)).by_value == 1);
  CHECK(w.scrapers.known(w.now) == 1);
}

TEST_CASE("a page that was not sent whole, or too late, was not shown") {
  World w;
  const Connection connection = connect();
  w.scrape(client(connection));
  w.pass(seconds(1));
  w.scrape(client(connection), false);
  w.pass(seconds(1));
  const Scrapers::Scrape late = w.scrapers.begin(client(connection), w.now);
  CHECK(late.showing.by_value == 1);
  w.scrapers.end(late, true, w.now + seconds(1));
  w.pass(seconds(1));
  CHECK(w.scrape(client(connection)).by_value == 1);
  w.pass(seconds(1));
  CHECK(w.scrape(client(connection)).by_value == 4);
}

TEST_CASE("a first page that was not sent makes nobody known") {
  World w;
  const Connection connection = connect();
  w.scrape(client(connection), false);
  CHECK(w.scrapers.known(w.now) == 0);
  CHECK(w.scrape(client(connection)).by_value == Showing::kAll);
}

TEST_CASE("a page that a kept connection was closed after may have been refused") {
  World w;
  Connection connection = connect();
  w.scrape(client(connection));
  w.pass(seconds(5));
  w.scrape(client(connection));
  w.pass(seconds(5));
  w.scrape(client(connection));  // 3
  connection = connect();
  w.pass(seconds(5));
  CHECK(w.scrape(client(connection)).by_value == 2);
  w.pass(seconds(5));
  CHECK(w.scrape(client(connection)).by_value == 4);
}

TEST_CASE("address, agent, query, path and timeout tell scrapers apart") {
  http::Request request;
  request.method = "GET";
  request.path = "/metrics";
  request.remote = "192.0.2.1:4711";
  CHECK_FALSE(scrape_client(request));
  request.headers = {{"x-prometheus-scrape-timeout-seconds", "10"}, {"User-Agent", "Prometheus/3.5.3"}};
  const auto first = scrape_client(request);
  REQUIRE(first);
  CHECK(first->timeout.count() == 10);
  request.remote = "192.0.2.1:4712";
  CHECK(scrape_client(request)->group == first->group);
  request.remote = "192.0.2.2:4711";
  CHECK(scrape_client(request)->group != first->group);
  request.remote = "192.0.2.1:4711";
  request.query = "name[]=x";
  CHECK(scrape_client(request)->group != first->group);
  request.query.clear();
  request.headers[1].second = "Prometheus/2.53.0";
  CHECK(scrape_client(request)->group != first->group);
  request.headers[1].second = "Prometheus/3.5.3";
  request.headers[0].second = "9.9";
  CHECK(scrape_client(request)->group != first->group);
  for (const char* wrong : {"", "0", "-1", "nan", "ten", "10s"}) {
    request.headers[0].second = wrong;
    CHECK_FALSE(scrape_client(request));
  }
}

TEST_CASE("two that look alike are told apart by their connections, and wait for each other") {
  World w;
  const Connection a = connect();
  const Connection b = connect();
  CHECK(w.scrape(client(a)).by_value == Showing::kAll);  // 1
  w.pass(milliseconds(500));
  CHECK(w.scrape(client(b)).by_value == 1);  // 2: joins with what is settled
  w.pass(milliseconds(500));
  CHECK(w.scrape(client(a)).by_value == 1);  // 3
  w.pass(seconds(1));
  CHECK(w.scrape(client(a)).by_value == 2);  // 4: b has got 2 only
  w.pass(seconds(1));
  CHECK(w.scrape(client(a)).by_value == 2);  // 5
  w.pass(seconds(5));
  CHECK(w.scrape(client(b)).by_value == 2);  // 6
  w.pass(seconds(1));
  CHECK(w.scrape(client(a)).by_value == 2);  // 7: b may have refused 6
  w.pass(seconds(6));
  CHECK(w.scrape(client(b)).by_value == 5);  // 8
  w.pass(seconds(1));
  CHECK(w.scrape(client(a)).by_value == 6);  // 9
  CHECK(w.scrapers.known(w.now) == 2);
}

TEST_CASE("other groups are not waited for") {
  World w;
  const Connection a = connect();
  const Connection b = connect();
  w.scrape(client(a, "a"));
  w.scrape(client(b, "b"));
  w.pass(seconds(1));
  w.scrape(client(a, "a"));  // 3
  w.pass(seconds(1));
  CHECK(w.scrape(client(a, "a")).by_value == 3);
}

TEST_CASE("a new connection takes the place of one that is closed") {
  World w;
  Connection connection = connect();
  for (int i = 0; i < 4; ++i) {
    w.scrape(client(connection));
    w.pass(seconds(5));
  }
  connection = connect();  // the server was restarted
  CHECK(w.scrape(client(connection)).by_value == 3);
  CHECK(w.scrapers.known(w.now) == 1);
}

TEST_CASE("without kept connections one scraper is one") {
  World w;
  w.scrape(client(connect()));
  for (std::uint32_t i = 1; i < 20; ++i) {
    w.pass(seconds(120));  // beyond the server's keep-alive
    CHECK(w.scrape(client(connect(), "a", 10)).by_value == i);
  }
  CHECK(w.scrapers.known(w.now) == 1);
}

TEST_CASE("two without kept connections at 1 s and 7 s are two") {
  World w;
  std::uint32_t last_of_slow = 0;
  std::uint32_t checked = 0;
  for (int half_second = 0; half_second < 200; ++half_second) {
    if (half_second % 2 == 0) {
      const Showing fast = w.scrape(client(connect()));
      if (half_second > 30) {
        CHECK(fast.by_value <= last_of_slow);  // never by value what the slow one was not shown
        ++checked;
      }
    } else if (half_second % 14 == 7) {
      const Showing slow = w.scrape(client(connect()));
      if (half_second > 30) {
        CHECK(slow.by_value <= last_of_slow);
        CHECK(slow.by_value + 30 > slow.sequence);  // and it goes on
      }
      last_of_slow = slow.sequence;
    }
    w.pass(milliseconds(500));
  }
  CHECK(checked > 80);
  CHECK(w.scrapers.known(w.now) == 2);
}

TEST_CASE("one of a pair that does not come back holds the other up for some minutes at most") {
  World w;
  const Connection a = connect();
  Connection b = connect();
  for (int i = 0; i < 5; ++i) {
    w.scrape(client(a));
    w.pass(milliseconds(500));
    w.scrape(client(b));
    w.pass(milliseconds(500));
  }
  const auto since = w.now - milliseconds(500);
  SECTION("its connection closed: as long as it may be late") {
    b.reset();
  }
  SECTION("its connection open: ten minutes") {}
  std::uint32_t by_value = 0;
  while (w.now - since < seconds(700)) {
    const Showing shown = w.scrape(client(a));
    if (w.now - since > (b ? seconds(601) : seconds(31)) && by_value == 0) {
      by_value = shown.by_value;
      CHECK(by_value + 2 > shown.sequence);
    } else if (w.now - since < (b ? seconds(598) : seconds(29))) {
      CHECK(shown.by_value <= 10);  // what it got last
    }
    w.pass(seconds(1));
  }
  CHECK(by_value > 0);
}

TEST_CASE("one that comes back after an hour knows what it has been shown, and the others go on") {
  World w;
  const Connection a = connect();
  Connection b = connect();
  for (int i = 0; i < 3; ++i) {
    w.scrape(client(a));
    w.pass(milliseconds(500));
    w.scrape(client(b));
    w.pass(milliseconds(500));
  }
  b = nullptr;
  for (int i = 0; i < 3600; ++i) {
    w.scrape(client(a));
    w.pass(seconds(1));
  }
  const std::uint32_t by_value = w.scrape(client(a)).by_value;
  CHECK(by_value > 3600);
  w.pass(milliseconds(500));
  b = connect();
  CHECK(w.scrape(client(b)).by_value <= 6);
  w.pass(milliseconds(500));
  CHECK(w.scrape(client(a)).by_value >= by_value);
}

TEST_CASE("series may go when all have seen them") {
  World w;
  const Connection a = connect();
  const Connection b = connect();
  CHECK(w.scrape(std::nullopt).seen_by_all == Showing::kAll);  // nobody to wait for
  w.scrape(client(a, "a"));                                    // 2
  w.scrape(client(b, "b"));                                    // 3
  CHECK(w.scrape(std::nullopt).seen_by_all == 2);              // 4
  w.pass(seconds(1));
  w.scrape(client(a, "a"));                        // 5
  CHECK(w.scrape(std::nullopt).seen_by_all == 2);  // 6: it may have refused 5
  w.pass(seconds(1));
  w.scrape(client(a, "a"));  // 7
  const Showing now = w.scrape(std::nullopt);
  CHECK(now.seen_by_all == 3);
  CHECK(now.seen_by_any == 5);
  CHECK(now.values_seen_by_any == 3);  // b's first scrape showed it values
  CHECK(now.values_seen_by_all == 2);
  w.pass(seconds(597));
  w.scrape(client(a, "a"));
  CHECK(w.scrape(std::nullopt).seen_by_all == 3);
  w.pass(seconds(2));
  w.scrape(client(a, "a"));
  CHECK(w.scrape(std::nullopt).seen_by_all > 3);  // b is not known any more
  CHECK(w.scrapers.known(w.now) == 1);
}

TEST_CASE("values may be asked for from the start") {
  World w{Scrapers(SeriesStart::Value)};
  const Connection connection = connect();
  w.scrape(client(connection));
  w.pass(seconds(1));
  CHECK(w.scrape(client(connection)).by_value == Showing::kAll);
  CHECK(w.scrape(std::nullopt).seen_by_all == 1);
}

TEST_CASE("who invents agents fills no memory") {
  World w;
  for (int i = 0; i < 10000; ++i) {
    w.scrape(client(connect(), std::to_string(i)));
  }
  CHECK(w.scrapers.known(w.now) <= 256);
}

TEST_CASE("another process goes on with what each scraper has received") {
  World world;
  std::string state;
  world.scrapers.save_with([&state](const std::string& text) { state = text; });
  auto connection = connect();
  const Showing first = world.scrape(client(connection));
  CHECK(first.by_value == Showing::kAll);
  world.pass(seconds(5));
  const Showing second = world.scrape(client(connection));
  CHECK(second.by_value >= first.sequence);
  CHECK(second.by_value < second.sequence);

  World next;
  next.now = world.now + seconds(5);
  REQUIRE(next.scrapers.restore(state));
  const Showing third = next.scrape(client(connect()));
  CHECK(third.sequence == second.sequence + 1);
  // What it has seen by value stays so, and what the next series begin with is 0.
  CHECK(third.by_value >= first.sequence);
  CHECK(third.by_value < third.sequence);
  CHECK(next.scrapers.known(next.now) == 1);
  // For another one all is new.
  CHECK(next.scrape(client(connect(), "b")).by_value == Showing::kAll);
}

TEST_CASE("what another process has not saved whole is no state") {
  World world;
  std::string state;
  world.scrapers.save_with([&state](const std::string& text) { state = text; });
  world.scrape(client(connect()));
  for (std::size_t size = 0; size < state.size(); ++size) {
    World next;
    CHECK_FALSE(next.scrapers.restore(state.substr(0, size)));
    CHECK(next.scrape(client(connect())).sequence == 1);
  }
}

}  // namespace
}  // namespace tpx::service
