// Clients that are many, slow, rude or gone.

#include <poll.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "catch.h"
#include "http/server.h"
#include "unit/http/http_client.h"
#include "unit/http/server_support.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::Answer;
using tpx::test::Client;

TEST_CASE("hundreds of idle and slow clients cost no thread") {
  ServerOptions options = local();
  options.workers = 2;
  auto server = start(options, hello());
  const std::uint16_t port = server->addresses()[0].port;
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 400; ++i) {
    idle.push_back(std::make_unique<Client>(port));
    if (i % 2 == 0) {
      idle.back()->send("GET /hello HTTP/1.1\r\nHo");
    }
  }
  Client good(port);
  for (int i = 0; i < 20; ++i) {
    CHECK(good.get("/hello").status == 200);
  }
  idle[0]->send("st: a\r\n\r\n");
  CHECK(idle[0]->receive().status == 200);  // slow, but in time
}

TEST_CASE("clients beyond the limit take the place of those that have been idle for longest") {
  ServerOptions options = local();
  options.max_connections = 4;
  auto server = start(options, hello());
  const std::uint16_t port = server->addresses()[0].port;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>(port));
    REQUIRE(clients.back()->get("/hello").status == 200);
  }
  CHECK(clients[0]->closed());
  CHECK(clients[1]->closed());
  CHECK(clients[5]->get("/hello").status == 200);
  CHECK(options.statistics->drops(Drop::Limit) == 2);
}

TEST_CASE("clients that do not read hold no thread, and memory is bounded") {
  ServerOptions options = local();
  options.workers = 2;
  options.answer_memory = 4U << 20U;
  const std::string body(6U << 20U, 'x');
  auto routes = hello();
  routes.push_back(route("/big", [&](const Request&, Response& response) { response.send_text(200, body); }));
  auto server = start(options, routes);
  const std::uint16_t port = server->addresses()[0].port;
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(std::make_unique<Client>(port));
    slow.back()->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  for (int i = 0; i < 5; ++i) {
    CHECK(Client(port).get("/hello").status == 200);
    const Answer answer = Client(port).get("/big");
    CHECK(answer.complete);
    CHECK(answer.body.size() == body.size());
    CHECK(options.statistics->buffered_bytes.load() <= options.answer_memory + (3U << 20U));
  }
  CHECK(options.statistics->drops(Drop::Memory) > 0);
}

TEST_CASE("a handler that reserved its answer waits for no client") {
  ServerOptions options = local();
  Gate written;
  auto server =
      start(options, {route("/big", [&](const Request&, Response& response) {
              response.begin(200, {});
              bool kept = response.reserve();
              const std::string piece(65536, 'x');
              for (int i = 0; i < 640 && kept; ++i) {  // 40 MiB: more than one answer may have unsent otherwise
                kept = response.write(piece);
              }
              if (kept) {
                written.open();
              }
            })});
  Client client(server->addresses()[0].port);
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(written.wait());
  const Answer answer = client.receive();
  CHECK(answer.complete);
  CHECK(answer.body == std::string(std::size_t{640} * 65536, 'x'));
}

namespace {

/// What became of answers, in order.
class Verdicts {
 public:
  Delivery next() {
    return [this](bool received) {
      const std::scoped_lock lock(mutex_);
      all_.push_back(received);
      changed_.notify_all();
    };
  }
  /// Waits until so many are there, or 20 s.
  std::vector<bool> first(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> all_;
};

}  // namespace

TEST_CASE("an answer is received when the client took it whole, not when it is queued") {
  Verdicts verdicts;
  std::size_t size = 0;
  const ServerOptions options = local();
  auto server = start(options, {route("/", [&](const Request&, Response& response) {
                        response.begin(200, {});
                        static_cast<void>(response.reserve());
                        static_cast<void>(response.write(std::string(size, 'x')));
                        response.on_delivery(verdicts.next());
                      })});
  const std::uint16_t port = server->addresses()[0].port;
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n";

  SECTION("a client that reads all of it, and asks again") {
    size = 30U << 20U;
    Client client(port);
    CHECK(client.get("/").complete);
    CHECK(client.get("/").complete);
    CHECK(verdicts.first(2) == std::vector{true, true});
  }
  SECTION("a client that reads all of it and closes") {
    size = 30U << 20U;
    CHECK(Client(port).get("/", "Connection: close\r\n").complete);
    CHECK(Client(port).get("/").complete);
    // Their systems acknowledge the last bytes with the end of the connection, if not before.
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (options.statistics->connections > 0 && std::chrono::steady_clock::now() < latest) {
      std::this_thread::yield();
    }
    server.reset();
    CHECK(verdicts.first(2) == std::vector{true, true});
  }
  SECTION("a client that hangs up in the middle of a large one") {
    size = 30U << 20U;
    {
      Client client(port);
      client.send(request + "\r\n");
      char some[1000];
      REQUIRE(::recv(client.descriptor(), some, sizeof(some), 0) > 0);
    }
    CHECK(verdicts.first(1) == std::vector{false});
  }
  SECTION("a client that hangs up when all has been sent and nothing been read") {
    size = 1000;
    std::vector<bool> expected;
    for (const char* connection : {"", "Connection: close\r\n"}) {
      {
        Client client(port);
        client.send(request + connection + "\r\n");
        pollfd there = {client.descriptor(), POLLIN, 0};
        REQUIRE(::poll(&there, 1, 20000) == 1);
      }
      expected.insert(expected.end(), {true, false});
      CHECK(verdicts.first(expected.size()) == expected);
    }
  }
}

TEST_CASE("slow clients neither block others nor stay") {
  ServerOptions options = local();
  options.request_timeout = std::chrono::milliseconds(300);
  auto server = start(options, hello());
  const std::uint16_t port = server->addresses()[0].port;
  std::vector<std::unique_ptr<Client>> slow;
  for (std::size_t i = 0; i + 1 < options.workers; ++i) {
    slow.push_back(std::make_unique<Client>(port));
    slow.back()->send("GET /hello HT");
  }
  CHECK(Client(port).get("/hello").status == 200);
  for (auto& client : slow) {
    CHECK(client->closed());
  }
}

TEST_CASE("a client that does not read is dropped") {
  ServerOptions options = local();
  options.request_timeout = std::chrono::milliseconds(200);
  options.response_timeout = std::chrono::milliseconds(200);
  Gate ended;
  bool refused = false;
  auto server = start(options, {route("/", [&](const Request&, Response& response) {
                        response.begin(200, {});
                        const std::string piece(65536, 'x');
                        for (int i = 0; i < 2000 && !refused; ++i) {
                          refused = !response.write(piece);
                        }
                        ended.open();
                      })});
  Client client(server->addresses()[0].port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(ended.wait());
  CHECK(refused);
}

TEST_CASE("scrapes beyond the limit are told to come back") {
  Gate entered;
  Gate leave;
  ServerOptions options = local();
  options.max_requests = 1;
  Route scrape = route("/metrics", [&](const Request&, Response& response) {
    entered.open();
    leave.wait();
    response.send_text(200, "done\n");
  });
  scrape.scrape = true;
  auto routes = hello();
  routes.push_back(scrape);
  auto server = start(options, routes);
  const std::uint16_t port = server->addresses()[0].port;
  Client first(port);
  first.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(entered.wait());
  const Answer refused = Client(port).get("/metrics");
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(Client(port).get("/hello").status == 200);
  leave.open();
  CHECK(first.receive().body == "done\n");
  CHECK(Client(port).get("/metrics").status == 200);
}
