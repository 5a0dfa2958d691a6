#include "catch.h"
#include "http/server.h"
#include "unit/http/http_client.h"
#include "unit/http/server_support.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::Answer;
using tpx::test::Client;

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
