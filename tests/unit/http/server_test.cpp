#include "http/server.h"

#include <dirent.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "catch.h"
#include "http/listen_address.h"
#include "unit/http/http_client.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::Answer;
using tpx::test::Client;

namespace {

/// Opened once; waiting is bounded so that a failure is one.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

ServerOptions local(std::string address = "127.0.0.1:0") {
  ServerOptions options;
  options.addresses = {std::move(address)};
  return options;
}

Route route(std::string path, Handler handler) {
  Route made;
  made.path = std::move(path);
  made.handler = std::move(handler);
  return made;
}

std::unique_ptr<HttpServer> start(ServerOptions options, std::vector<Route> routes) {
  auto server = HttpServer::start(std::move(options), std::move(routes));
  if (!server) {
    FAIL(server.error().message);
  }
  return std::move(*server);
}

std::vector<Route> hello() {
  return {route("/hello", [](const Request&, Response& response) { response.send_text(200, "hello\n"); })};
}

std::size_t threads() {
  std::size_t count = 0;
  DIR* directory = ::opendir("/proc/self/task");
  while (::readdir(directory) != nullptr) {
    ++count;
  }
  ::closedir(directory);
  return count;
}

/// The port on 127.0.0.1 that this process listens on besides `known`; 0: none.
std::uint16_t internal_port(std::uint16_t known) {
  std::uint16_t port = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    int listening = 0;
    socklen_t length = sizeof(listening);
    const bool listens = ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
    const auto address = bound_address(fd);
    if (listens && address && address->port() != known) {
      port = address->port();
    }
  }
  return port;
}

/// The local port of this process' connection to 127.0.0.1:`peer_port`; 0: none.
std::uint16_t port_connected_to(std::uint16_t peer_port) {
  for (int fd = 3; fd < 1024; ++fd) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    if (::getpeername(fd, peer.raw(), &peer.length) == 0 && peer.port() == peer_port) {
      return bound_address(fd)->port();
    }
  }
  return 0;
}

bool has_ipv6() {
  return listen_on(any_address(AF_INET6, 0), false, "").has_value();
}

}  // namespace

TEST_CASE("a route answers with its status, headers and body") {
  auto server = start(local(), hello());
  REQUIRE(server->addresses().size() == 1);
  const std::uint16_t port = server->addresses()[0].port;
  REQUIRE(port != 0);
  CHECK(server->addresses()[0].text == "127.0.0.1:" + std::to_string(port));
  const Answer answer = Client(port).get("/hello");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello\n");
  CHECK(answer.has("Content-Length: 6"));
  CHECK(answer.has("Content-Type: text/plain; charset=utf-8"));
  CHECK(answer.head.find("Date: ") != std::string::npos);
}

TEST_CASE("several requests go over one kept connection") {
  auto server = start(local(), hello());
  Client client(server->addresses()[0].port);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.get("/hello");
    REQUIRE(answer.status == 200);
    CHECK(answer.has("Connection: keep-alive"));
    CHECK(answer.body == "hello\n");
  }
  client.get("/hello", "Connection: close\r\n");
  CHECK(client.closed());
}

TEST_CASE("unknown paths are 404, other methods 405 with what is allowed") {
  auto server = start(local(), hello());
  Client client(server->addresses()[0].port);
  CHECK(client.get("/nothing").status == 404);
  CHECK(client.get("/hello/").status == 404);
  const Answer answer = client.get("/hello", "", "DELETE");
  CHECK(answer.status == 405);
  CHECK(answer.has("Allow: GET, HEAD, OPTIONS"));
}

TEST_CASE("a route that ends in /* answers all paths below it, and no other") {
  Route below =
      route("/metric/*", [](const Request& request, Response& response) { response.send_text(200, request.path); });
  auto server = start(local(), {below});
  Client client(server->addresses()[0].port);
  CHECK(client.get("/metric/a%20b").body == "/metric/a b");
  CHECK(client.get("/metric/a/b").status == 200);
  CHECK(client.get("/metric").status == 404);
  CHECK(client.get("/metrics").status == 404);
  CHECK(client.get("/metric/a", "", "DELETE").status == 405);
}

TEST_CASE("HEAD has the headers of GET and no body") {
  auto server = start(local(), hello());
  Client client(server->addresses()[0].port);
  const Answer answer = client.get("/hello", "", "HEAD");
  CHECK(answer.status == 200);
  CHECK(answer.has("Content-Length: 6"));
  CHECK(client.get("/hello").body == "hello\n");  // nothing of a body was left on the connection
}

TEST_CASE("a long answer is chunked, and close-delimited for HTTP/1.0") {
  const std::string line = "0123456789abcdefghijklmnopqrstuvwxyz\n";
  auto server = start(local(), {route("/long", [&](const Request&, Response& response) {
                        response.begin(200, {{"Content-Type", "text/plain"}});
                        for (int i = 0; i < 20000; ++i) {
                          response.write(line);
                        }
                      })});
  Client client(server->addresses()[0].port);
  const Answer chunked = client.get("/long");
  CHECK(chunked.has("Transfer-Encoding: chunked"));
  CHECK(chunked.complete);
  REQUIRE(chunked.body.size() == line.size() * 20000);
  CHECK(chunked.body.compare(chunked.body.size() - line.size(), line.size(), line) == 0);
  CHECK(client.get("/long", "", "HEAD").status == 200);

  Client old(server->addresses()[0].port);
  old.send("GET /long HTTP/1.0\r\n\r\n");
  const Answer plain = old.receive();
  CHECK_FALSE(plain.has("Transfer-Encoding: chunked"));
  CHECK(plain.has("Connection: close"));
  CHECK(plain.body == chunked.body);
}

TEST_CASE("an answer of exactly one chunk is whole") {
  const std::string body(65536, 'x');
  auto server =
      start(local(), {route("/", [&](const Request&, Response& response) { response.send_text(200, body); })});
  const Answer answer = Client(server->addresses()[0].port).get("/");
  CHECK(answer.complete);
  CHECK(answer.body == body);
}

TEST_CASE("a handler sees path, query and headers") {
  Request seen;
  auto server = start(local(), {route("/a b", [&](const Request& request, Response& response) {
                        seen = request;
                        response.send_text(200, "");
                      })});
  Client(server->addresses()[0].port).get("/a%20b?x=1&name=a%26b+c&empty", "X-Test: Value\r\n");
  CHECK(seen.path == "/a b");
  CHECK(seen.parameter("x") == "1");
  CHECK(seen.parameter("name") == "a&b c");
  CHECK(seen.parameter("empty") == "");
  CHECK_FALSE(seen.parameter("absent").has_value());
  REQUIRE(seen.header("x-test") != nullptr);
  CHECK(*seen.header("x-test") == "Value");
  CHECK(seen.remote.rfind("127.0.0.1:", 0) == 0);
}

TEST_CASE("an exception in a handler is a 500, or an answer without its end once it has begun") {
  auto server = start(local(), {route("/early", [](const Request&, Response&) { throw std::runtime_error("no"); }),
                                route("/silent", [](const Request&, Response&) {}),
                                route("/odd", [](const Request&, Response&) { throw 7; }),
                                route("/late", [](const Request&, Response& response) {
                                  response.begin(200, {});
                                  response.write(std::string(100000, 'x'));
                                  throw std::runtime_error("no");
                                })});
  const std::uint16_t port = server->addresses()[0].port;
  CHECK(Client(port).get("/early").status == 500);
  CHECK(Client(port).get("/silent").status == 500);
  CHECK(Client(port).get("/odd").status == 500);
  const Answer late = Client(port).get("/late");
  CHECK(late.status == 200);
  CHECK_FALSE(late.complete);
  CHECK(Client(port).get("/early").status == 500);  // still serving
}

TEST_CASE("headers and bodies beyond the bounds are refused") {
  auto server = start(local(), hello());
  const std::uint16_t port = server->addresses()[0].port;
  CHECK(Client(port).get("/hello", "X-Big: " + std::string(20000, 'x') + "\r\n").status == 431);
  CHECK(Client(port).get("/" + std::string(20000, 'x')).status == 414);
  CHECK(Client(port).get("/hello", "Content-Length: 100000000\r\n").status == 413);
  CHECK(Client(port).get("/hello", "Transfer-Encoding: chunked\r\n").status == 411);
  Client garbage(port);
  garbage.send("\x16\x03\x01 what is this\r\n\r\n");
  CHECK(garbage.receive().status == 400);
  CHECK(garbage.closed());
  CHECK(Client(port).get("/hello").status == 200);
}

TEST_CASE("what RFC 9112 makes ambiguous is refused, what a proxy sends is served") {
  auto server = start(local(), hello());
  const std::uint16_t port = server->addresses()[0].port;
  const auto status = [&](const std::string& request) {
    Client client(port);
    client.send(request);
    return client.receive().status;
  };
  CHECK(status("GET http://proxy.test/hello HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
  CHECK(status("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 204);
  CHECK(status("OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n") == 204);
  CHECK(status("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n") == 400);
  CHECK(status("GET /hello%00x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status("GET /hello HTTP/1.1\r\n\r\n") == 400);
  Client client(port);
  const Answer moved = client.get("//hello?a=b");
  CHECK(moved.status == 301);
  CHECK(moved.has("Location: /hello?a=b"));
  CHECK(client.get("/../etc/passwd").has("Location: /etc/passwd"));
}

TEST_CASE("requests that came together are answered in turn, their bodies skipped") {
  auto server = start(local(), hello());
  Client client(server->addresses()[0].port);
  client.send(
      "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.receive().status == 200);
  CHECK(client.receive().status == 404);
  CHECK(client.receive().status == 200);
  CHECK(client.closed());
}

TEST_CASE("a POST that another site's page sends is refused") {
  Route action = route("/act", [](const Request&, Response& response) { response.send_text(200, "done\n"); });
  action.methods = {"POST"};
  auto server = start(local(), {action});
  Client client(server->addresses()[0].port);
  const auto post = [&](const std::string& headers) { return client.get("/act", headers, "POST").status; };
  CHECK(post("") == 200);  // curl
  CHECK(post("Sec-Fetch-Site: cross-site\r\n") == 403);
  CHECK(post("Sec-Fetch-Site: same-site\r\n") == 403);
  CHECK(post("Sec-Fetch-Site: same-origin\r\nOrigin: http://test\r\n") == 200);
  CHECK(post("Sec-Fetch-Site: none\r\n") == 200);
  CHECK(post("Origin: http://evil.test\r\n") == 403);
  CHECK(post("Origin: null\r\n") == 403);
  CHECK(post("Origin: https://test\r\n") == 200);
}

TEST_CASE("a client's requests share a connection's number, which no other client has") {
  std::vector<std::uint64_t> seen;
  auto server = start(local(), {route("/", [&](const Request& request, Response& response) {
                        seen.push_back(request.connection);
                        response.send_text(200, "");
                      })});
  const std::uint16_t port = server->addresses()[0].port;
  Client first(port);
  Client second(port);
  first.get("/");
  second.get("/");
  first.get("/");
  REQUIRE(seen.size() == 3);
  CHECK(seen[0] == seen[2]);
  CHECK(seen[0] != seen[1]);
}

TEST_CASE("the internal port serves nobody else, and others cannot hold its threads") {
  ServerOptions options = local();
  options.workers = 2;
  auto server = start(options, hello());
  const std::uint16_t port = server->addresses()[0].port;
  const std::uint16_t internal = internal_port(port);
  REQUIRE(internal != 0);
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(std::make_unique<Client>(internal));
  }
  CHECK(Client(port).get("/hello").status == 200);
  for (const auto& other : others) {
    CHECK(other->closed());
  }
}

TEST_CASE("a process that has the port of an internal connection at another address is not served") {
  Gate entered;
  Gate leave;
  auto routes = hello();
  routes.push_back(route("/wait", [&](const Request&, Response& response) {
    entered.open();
    leave.wait();
    response.send_text(200, "");
  }));
  auto server = start(local(), routes);
  const std::uint16_t port = server->addresses()[0].port;
  const std::uint16_t internal = internal_port(port);
  Client first(port);
  first.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(entered.wait());
  const std::uint16_t taken = port_connected_to(internal);
  REQUIRE(taken != 0);
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress here = loopback_address(taken);
  static_cast<sockaddr_in*>(static_cast<void*>(&here.storage))->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  REQUIRE(::bind(socket.get(), here.raw(), here.length) == 0);
  const SocketAddress there = loopback_address(internal);
  REQUIRE(::connect(socket.get(), there.raw(), there.length) == 0);
  const std::string request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  (void)::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  char answer[64];
  CHECK(::recv(socket.get(), answer, sizeof(answer), 0) <= 0);
  leave.open();
  CHECK(first.receive().status == 200);
}

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

TEST_CASE("an answer is received when the client took it whole, not when it is queued") {
  Verdicts verdicts;
  std::size_t size = 0;
  auto server = start(local(), {route("/", [&](const Request&, Response& response) {
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

TEST_CASE("stop() ends what is in flight and joins every thread") {
  const std::size_t before = threads();
  Gate entered;
  Gate leave;
  auto server = start(local(), {route("/", [&](const Request&, Response& response) {
                        entered.open();
                        leave.wait();
                        response.send_text(200, "late");
                      })});
  const std::uint16_t port = server->addresses()[0].port;
  Client client(port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(entered.wait());
  std::thread stopper([&] { server->stop(); });
  leave.open();
  stopper.join();
  CHECK(threads() == before);
  CHECK(client.closed());
  CHECK_THROWS(Client(port));
  server->stop();  // twice is fine
}

TEST_CASE("a port in use is an error that says what to do") {
  auto first = start(local(), hello());
  const std::string address = "127.0.0.1:" + std::to_string(first->addresses()[0].port);
  const auto second = HttpServer::start(local(address), hello());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message == "address " + address + " is in use");
  CHECK(second.error().hint == "stop the other process or choose another with --web.listen-address");
}

TEST_CASE("a port whose IPv6 half is in use is in use") {
  if (!has_ipv6()) {
    SUCCEED("no IPv6 here");
    return;
  }
  auto other = listen_on(any_address(AF_INET6, 0), false, "");
  REQUIRE(other.has_value());
  const std::string address = ":" + std::to_string(bound_address(other->get())->port());
  const auto server = HttpServer::start(local(address), hello());
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().message == "address " + address + " is in use");
}

TEST_CASE(":PORT serves both families on one port") {
  auto server = start(local(":0"), hello());
  const std::uint16_t port = server->addresses()[0].port;
  CHECK(Client(port).get("/hello").status == 200);
  if (has_ipv6()) {
    REQUIRE(server->addresses().size() == 2);
    CHECK(server->addresses()[1].port == port);
    Client client(port, AF_INET6);
    CHECK(client.get("/hello").body == "hello\n");
    CHECK(client.get("/hello").body == "hello\n");
  }
}

TEST_CASE("over IPv6 a long answer arrives whole and the client's address is known") {
  if (!has_ipv6()) {
    SUCCEED("no IPv6 here");
    return;
  }
  std::string remote;
  const std::string body(3000000, 'y');
  auto server = start(local("[::1]:0"), {route("/", [&](const Request& request, Response& response) {
                        remote = request.remote;
                        response.send_text(200, body);
                      })});
  Client client(server->addresses()[0].port, AF_INET6);
  const Answer answer = client.get("/");
  CHECK(answer.complete);
  CHECK(answer.body == body);
  CHECK(remote.rfind("[::1]:", 0) == 0);
}

TEST_CASE("several addresses are served at once") {
  ServerOptions options;
  options.addresses = {"127.0.0.1:0", "127.0.0.1:0", "localhost:0"};
  auto server = start(options, hello());
  REQUIRE(server->addresses().size() == 3);
  for (const BoundAddress& address : server->addresses()) {
    CHECK(Client(address.port).get("/hello").status == 200);
  }
}

TEST_CASE("wrong addresses say how to write them") {
  for (const char* text : {"", "9000", "host", "1.2.3.4", ":x", ":65536", "::1:80", "127.0.0.1:"}) {
    CAPTURE(text);
    const auto server = HttpServer::start(local(text), hello());
    REQUIRE_FALSE(server.has_value());
    CHECK(server.error().message.find("listen address") == 0);
    CHECK_FALSE(server.error().hint.empty());
  }
  const auto elsewhere = HttpServer::start(local("192.0.2.1:0"), hello());
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().hint.find("no such address") != std::string::npos);
}
