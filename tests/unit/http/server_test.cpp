#include <stdexcept>
#include <thread>

#include "catch.h"
#include "http/server.h"
#include "unit/http/http_client.h"
#include "unit/http/server_support.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::Answer;
using tpx::test::Client;

namespace {

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
