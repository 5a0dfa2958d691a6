#include "http/access.h"

#include <atomic>

#include "catch.h"
#include "http/listen_address.h"
#include "http/server.h"
#include "unit/http/http_client.h"
#include "unit/http/scratch.h"
#include "unit/http/tls_client.h"

using namespace tpx;
using namespace tpx::http;
using tpx::test::Answer;
using tpx::test::Client;
using tpx::test::Identity;
using tpx::test::Scratch;
using tpx::test::TlsClient;

namespace {

// bcrypt of "secret" at cost 4, as `htpasswd -nbBC 4` writes it
const std::string kSecret = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

// base64 of user:password
const std::string kAliceSecret = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
const std::string kAliceWrong = "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n";
const std::string kMallory = "Authorization: Basic bWFsbG9yeTpzZWNyZXQ=\r\n";

std::unique_ptr<HttpServer> serve(const std::string& web_config, const std::string& address = "127.0.0.1:0") {
  ServerOptions options;
  options.addresses = {address};
  options.web_config_file = web_config;
  options.request_timeout = std::chrono::milliseconds(2000);
  Route route;
  route.path = "/";
  route.handler = [](const Request& request, Response& response) {
    response.send_text(200, request.tls ? "tls\n" : "plain\n");
  };
  Route large;
  large.path = "/large";
  large.handler = [](const Request&, Response& response) { response.send_text(200, std::string(5000000, 'z')); };
  auto server = HttpServer::start(options, {route, large});
  if (!server) {
    FAIL(server.error().message);
  }
  return std::move(*server);
}

std::string tls_files(const Scratch& scratch, const Identity& identity, const std::string& more = {}) {
  scratch.put("server.crt", identity.certificate());
  scratch.put("server.key", identity.key());
  return scratch.put("web.yml", "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n" + more);
}

}  // namespace

TEST_CASE("basic authentication lets in who knows a password") {
  const Scratch scratch;
  auto server = serve(scratch.put("web.yml", "basic_auth_users:\n  alice: " + kSecret + "\n"));
  Client client(server->addresses()[0].port);
  const Answer anonymous = client.get("/");
  CHECK(anonymous.status == 401);
  CHECK(anonymous.has("WWW-Authenticate: Basic"));
  CHECK(client.get("/", kAliceSecret).body == "plain\n");
  CHECK(client.get("/", kAliceWrong).status == 401);
  CHECK(client.get("/", kMallory).status == 401);
  CHECK(client.get("/", "Authorization: Basic !!!\r\n").status == 401);
  CHECK(client.get("/", "Authorization: Bearer YWxpY2U6c2VjcmV0\r\n").status == 401);
  CHECK(client.get("/nothing").status == 401);  // what exists is not told either
}

TEST_CASE("credentials cost one bcrypt when they are new, right or wrong, the user known or not") {
  BasicAuth auth({{"alice", kSecret}});
  const auto allows = [&](std::string_view header) {
    return auth.check(header, "client") == BasicAuth::Answer::Allowed;
  };
  CHECK(allows("Basic YWxpY2U6c2VjcmV0"));
  CHECK(allows("basic YWxpY2U6c2VjcmV0"));
  CHECK(auth.computations() == 1);
  CHECK_FALSE(allows("Basic YWxpY2U6d3Jvbmc="));
  CHECK_FALSE(allows("Basic YWxpY2U6d3Jvbmc="));
  CHECK(auth.computations() == 2);
  CHECK_FALSE(allows("Basic bWFsbG9yeTpzZWNyZXQ="));
  CHECK(auth.computations() == 3);
  CHECK_FALSE(allows("Basic YWxpY2U6c2VjcmV0AHg="));  // alice:secret, NUL, x
  CHECK_FALSE(allows(""));
  CHECK_FALSE(allows("Basic"));
  CHECK_FALSE(allows("Basic YWxpY2U="));  // no colon
}

TEST_CASE("a client that guesses too often is told to come back, another is not") {
  GuessLimit limit;
  auto now = GuessLimit::Clock::now();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(limit.may_guess("a", now));
    limit.guessed_wrong("a", now);
  }
  CHECK_FALSE(limit.may_guess("a", now));
  CHECK(limit.may_guess("b", now));
  now += std::chrono::milliseconds(1100);
  REQUIRE(limit.may_guess("a", now));
  limit.guessed_wrong("a", now);
  CHECK_FALSE(limit.may_guess("a", now));
  for (std::size_t i = 0; i < GuessLimit::kMaxClients; ++i) {  // memory is bounded: the oldest is forgotten
    limit.guessed_wrong("other " + std::to_string(i), now + std::chrono::milliseconds(1));
  }
  CHECK(limit.may_guess("a", now + std::chrono::milliseconds(1)));
}

TEST_CASE("known credentials are answered while a client guesses") {
  BasicAuth auth({{"alice", kSecret}});
  REQUIRE(auth.check("Basic YWxpY2U6c2VjcmV0", "a") == BasicAuth::Answer::Allowed);
  for (int i = 0; i < 40; ++i) {
    std::string guess = "alice:guess" + std::to_string(100 + i);  // 14 bytes and "=": always the same shape
    std::string encoded(32, '\0');
    encoded.resize(static_cast<std::size_t>(EVP_EncodeBlock(
        static_cast<unsigned char*>(static_cast<void*>(encoded.data())),
        static_cast<const unsigned char*>(static_cast<const void*>(guess.data())), static_cast<int>(guess.size()))));
    CHECK(auth.check("Basic " + encoded, "a") != BasicAuth::Answer::Allowed);
  }
  CHECK(auth.computations() < 40);
  CHECK(auth.check("Basic YWxpY2U6c2VjcmV0", "a") == BasicAuth::Answer::Allowed);
}

TEST_CASE("base64 is decoded strictly") {
  std::string out;
  CHECK((decode_base64("YWxpY2U6c2VjcmV0", out) && out == "alice:secret"));
  CHECK((decode_base64("YQ==", out) && out == "a"));
  CHECK((decode_base64("YWI=", out) && out == "ab"));
  CHECK((decode_base64("", out) && out.empty()));
  CHECK_FALSE(decode_base64("YQ=", out));
  CHECK_FALSE(decode_base64("Y*==", out));
}

TEST_CASE("configured headers are on every answer") {
  const Scratch scratch;
  auto server = serve(scratch.put("web.yml", "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"));
  Client client(server->addresses()[0].port);
  CHECK(client.get("/").has("X-Frame-Options: deny"));
  CHECK(client.get("/nothing").has("X-Frame-Options: deny"));
}

TEST_CASE("TLS serves on every kind of address") {
  const Scratch scratch;
  const Identity identity("exporter.test");
  const std::string file = tls_files(scratch, identity);
  for (const char* address : {"127.0.0.1:0", ":0"}) {
    auto server = serve(file, address);
    CHECK(server->uses_tls());
    TlsClient client(server->addresses()[0].port);
    CHECK(client.server_name() == "exporter.test");
    CHECK(client.get("/").body == "tls\n");
    CHECK(client.get("/").body == "tls\n");
    const Answer large = client.get("/large");
    CHECK(large.complete);
    CHECK(large.body.size() == 5000000);
    CHECK_THROWS(TlsClient(server->addresses()[0].port, nullptr, TLS1_1_VERSION));
  }
}

TEST_CASE("plain HTTP on a TLS port is told so, and the port behind TLS serves nobody else") {
  const Scratch scratch;
  auto server = serve(tls_files(scratch, Identity("exporter.test")));
  const std::uint16_t port = server->addresses()[0].port;
  const Answer answer = Client(port).get("/");
  CHECK(answer.status == 400);
  CHECK(answer.body.find("https") != std::string::npos);

  // Every port that this process listens on: only the gateway's own connections are served behind it.
  int refused = 0;
  for (int fd = 0; fd < 256; ++fd) {
    int listening = 0;
    socklen_t size = sizeof(listening);
    const bool asked = ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
    const auto bound = asked && listening != 0 ? bound_address(fd) : Result<SocketAddress>(fail("none"));
    if (bound && bound->family() == AF_INET && bound->port() != port) {
      refused += Client(bound->port()).get("/").status == 0 ? 1 : 0;
    }
  }
  CHECK(refused == 1);
}

TEST_CASE("a TLS client that says nothing is dropped and blocks nobody") {
  const Scratch scratch;
  auto server = serve(tls_files(scratch, Identity("exporter.test")));
  const std::uint16_t port = server->addresses()[0].port;
  Client silent(port);
  CHECK(TlsClient(port).get("/").status == 200);
  CHECK(silent.closed());
}

TEST_CASE("client certificates are verified against the CA") {
  const Scratch scratch;
  const Identity authority("ca");
  const Identity other("other ca");
  const Identity good("client", &authority);
  const Identity bad("client", &other);
  scratch.put("ca.crt", authority.certificate());
  auto server = serve(tls_files(scratch, Identity("exporter.test"),
                                "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n"));
  const std::uint16_t port = server->addresses()[0].port;
  CHECK(TlsClient(port, &good).get("/").status == 200);
  const auto refused = [port](const Identity* identity) {
    try {
      return TlsClient(port, identity).get("/").status != 200;  // with TLS 1.3 the refusal comes after the handshake
    } catch (const std::exception&) {
      return true;
    }
  };
  CHECK(refused(&bad));
  CHECK(refused(nullptr));
}

TEST_CASE("a client's certificate must have one of the allowed names") {
  const Scratch scratch;
  const Identity authority("ca");
  const Identity other("other ca");
  scratch.put("ca.crt", authority.certificate());
  const auto answered = [](std::uint16_t port, const Identity& identity) {
    try {
      return TlsClient(port, &identity).get("/").status == 200;
    } catch (const std::exception&) {
      return false;
    }
  };
  for (const std::string& kind :
       {std::string("RequireAndVerifyClientCert\n  client_ca_file: ca.crt"), std::string("RequireAnyClientCert")}) {
    INFO(kind);
    auto server =
        serve(tls_files(scratch, Identity("exporter.test"),
                        "  client_auth_type: " + kind +
                            "\n  client_allowed_sans: [a.test, 10.1.2.3, 'fd00::1', m@a.test, 'spiffe://a/b']\n"));
    const std::uint16_t port = server->addresses()[0].port;
    for (const char* names :
         {"DNS:other.test,DNS:a.test", "IP:10.1.2.3", "IP:fd00::1", "email:m@a.test", "URI:spiffe://a/b"}) {
      INFO(names);
      CHECK(answered(port, Identity("client", &authority, names)));
      CHECK(answered(port, Identity("client", &other, names)) == (kind == "RequireAnyClientCert"));
    }
    for (const char* names : {"", "DNS:b.test", "DNS:A.test", "IP:10.1.2.4", "email:b@a.test"}) {
      INFO(names);
      CHECK_FALSE(answered(port, Identity("a.test", &authority, names)));
    }
    // As in the exporter-toolkit, the kind of a name does not matter.
    CHECK(answered(port, Identity("client", &authority, "DNS:10.1.2.3")));
    CHECK(answered(port, Identity("client", &authority, "email:a.test")));
  }
}

TEST_CASE("requests beyond the rate limit are told to come back") {
  const Scratch scratch;
  auto server = serve(scratch.put("web.yml", "rate_limit: {interval: 1h, burst: 3}\n"));
  Client client(server->addresses()[0].port);
  for (int i = 0; i < 3; ++i) {
    CHECK(client.get("/").status == 200);
  }
  const Answer refused = client.get("/");
  CHECK(refused.status == 429);
  CHECK(refused.has("Retry-After: 3600"));
  CHECK(client.get("/nothing").status == 429);
}

TEST_CASE("a token bucket fills with time, up to its burst") {
  using namespace std::chrono_literals;
  RateLimit limit(100ms, 2);
  const auto start = RateLimit::Clock::time_point(1h);
  CHECK(limit.allow(start));
  CHECK(limit.allow(start));
  CHECK_FALSE(limit.allow(start));
  CHECK_FALSE(limit.allow(start + 99ms));
  CHECK(limit.allow(start + 101ms));
  CHECK_FALSE(limit.allow(start + 102ms));
  CHECK(limit.allow(start + 10s));
  CHECK(limit.allow(start + 10s));
  CHECK_FALSE(limit.allow(start + 10s));
  CHECK_FALSE(limit.allow(start + 9s));
}

TEST_CASE("a new certificate or user is picked up, a broken file is not") {
  const Scratch scratch;
  const std::string file = tls_files(scratch, Identity("first"));
  auto opened = WebAccess::open(file, nullptr);
  REQUIRE(opened.has_value());
  WebAccess& access = **opened;
  access.set_interval(std::chrono::milliseconds(0));
  const auto first = access.current();
  CHECK(access.current() == first);

  const Identity second("second");
  scratch.put("server.crt", second.certificate());
  const auto mismatched = access.current();  // the key is still the old one's
  CHECK(mismatched == first);
  scratch.put("server.key", second.key());
  const auto renewed = access.current();
  CHECK(renewed != first);
  CHECK(renewed->tls != first->tls);

  scratch.put("web.yml", "tls_server_config: [");
  CHECK(access.current() == renewed);
  scratch.put("web.yml", "{}");  // would turn TLS off
  CHECK(access.current() == renewed);
  tls_files(scratch, second, "basic_auth_users:\n  alice: " + kSecret + "\n");
  CHECK(access.current()->auth->check("", "client") == BasicAuth::Answer::Wrong);
}

TEST_CASE("what can't be used is said with the file and the reason") {
  const Scratch scratch;
  const auto message = [&](const std::string& text) {
    const auto opened = WebAccess::open(scratch.put("web.yml", text), nullptr);
    return opened ? std::string() : opened.error().message;
  };
  const Identity identity("exporter.test");
  scratch.put("a.crt", identity.certificate());
  scratch.put("b.key", Identity("other").key());
  scratch.put("a.key", identity.key());
  scratch.put("empty", "");
  const auto tls = [](const std::string& certificate, const std::string& key, const std::string& more = {}) {
    return "tls_server_config: {cert_file: " + certificate + ", key_file: " + key + more + "}\n";
  };
  CHECK(message(tls("a.crt", "a.key")).empty());
  CHECK(message(tls("none", "a.key")).find(scratch.path("none")) != std::string::npos);
  CHECK(message(tls("empty", "a.key")).find("holds no PEM certificate") != std::string::npos);
  CHECK(message(tls("a.crt", "empty")).find("private key") != std::string::npos);
  CHECK(message(tls("a.crt", "b.key")).find("is not that of the certificate") != std::string::npos);
  CHECK(message(tls("a.crt", "a.key", ", cipher_suites: [TLS_NO_SUCH]")).find("TLS_NO_SUCH") != std::string::npos);
  CHECK(
      message(tls("a.crt", "a.key",
                  ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], curve_preferences: [CurveP256, X25519]"))
          .empty());
  CHECK_FALSE(WebAccess::open(scratch.path("absent.yml"), nullptr).has_value());
}
