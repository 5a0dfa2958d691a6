#include "http/request_head.h"

#include "catch.h"

using namespace tpx::http;

namespace {

int refusal(const std::string& head) {
  CAPTURE(head);
  REQUIRE(head_length(head) == head.size());
  const auto parsed = parse_request_head(head);
  return parsed ? 0 : parsed.error().status;
}

RequestHead accepted(const std::string& head) {
  CAPTURE(head);
  REQUIRE(head_length(head) == head.size());
  auto parsed = parse_request_head(head);
  if (!parsed) {
    FAIL(parsed.error().reason);
  }
  return std::move(*parsed);
}

std::string get(const std::string& target, const std::string& fields = "Host: a\r\n") {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a head ends with an empty line and no earlier") {
  CHECK(head_length("GET / HTTP/1.1\r\nHost: a\r\n\r\nrest") == 27);
  CHECK(head_length("GET / HTTP/1.1\nHost: a\n\nrest") == 24);
  CHECK_FALSE(head_length("GET / HTTP/1.1\r\nHost: a\r\n").has_value());
  CHECK_FALSE(head_length("").has_value());
  CHECK_FALSE(head_length("\r\n\r\n").has_value());  // left by the request before
  CHECK(head_length("\r\nGET / HTTP/1.0\r\n\r\n") == 20);
}

TEST_CASE("the target has origin, absolute or asterisk form") {
  const RequestHead origin = accepted(get("/a%20b/c?x=1&y"));
  CHECK(origin.request.method == "GET");
  CHECK(origin.request.path == "/a b/c");
  CHECK(origin.request.query == "x=1&y");

  const RequestHead absolute = accepted(get("http://host.test:9/metrics?x", "Host: other\r\n"));
  CHECK(absolute.request.path == "/metrics");
  CHECK(absolute.request.query == "x");
  REQUIRE(absolute.request.header("host") != nullptr);
  CHECK(*absolute.request.header("host") == "host.test:9");  // RFC 9112, section 3.2.2
  CHECK(accepted(get("HTTP://host.test")).request.path == "/");

  CHECK(accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request.path == "*");
  CHECK(refusal(get("*")) == 400);
  CHECK(refusal(get("host:80")) == 400);
  CHECK(refusal(get("ftp://a/b")) == 400);
  CHECK(refusal(get("http:///metrics")) == 400);
  CHECK(refusal(get("/a#b")) == 400);
}

TEST_CASE("a path with a NUL, a control character or half an escape is refused") {
  for (const char* target : {"/metrics%00x", "/%0a", "/%7f", "/%", "/%4", "/%zz", "/\x01", "/\xc3\xa4"}) {
    CHECK(refusal(get(target)) == 400);
  }
}

TEST_CASE("the length of the body is told once, as a number") {
  CHECK(accepted(get("/", "Host: a\r\nContent-Length: 12\r\n")).body_bytes == 12);
  CHECK(refusal(get("/", "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n")) == 400);
  CHECK(refusal(get("/", "Host: a\r\nContent-Length: 1\r\ncontent-length: 1\r\n")) == 400);
  for (const char* length : {"", "-1", "+1", "1, 1", "0x1", "1 2", "9999999999999999999"}) {
    CHECK(refusal(get("/", std::string("Host: a\r\nContent-Length: ") + length + "\r\n")) == 400);
  }
  CHECK(refusal(get("/", "Host: a\r\nTransfer-Encoding: chunked\r\n")) == 411);
  CHECK(refusal(get("/", "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n")) == 400);
  CHECK(refusal("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
}

TEST_CASE("HTTP/1.1 names one host") {
  CHECK(refusal(get("/", "")) == 400);
  CHECK(refusal(get("/", "Host: a\r\nHost: a\r\n")) == 400);
  CHECK(refusal(get("/", "Host: a, b\r\n")) == 400);
  CHECK(refusal(get("/", "Host: a/b\r\n")) == 400);
  CHECK(accepted(get("/", "Host:\r\n")).request.path == "/");
  CHECK(accepted(get("/", "Host: [::1]:80\r\n")).request.path == "/");
  CHECK(accepted("GET / HTTP/1.0\r\n\r\n").http10);
}

TEST_CASE("lines that readers take in different ways are refused") {
  for (const char* line : {"GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /", "GET / HTTP/1",
                           "GET / http/1.1", "G(T / HTTP/1.1", "GET / HTTP/1.1\r"}) {
    CHECK(refusal(std::string(line) + "\r\nHost: a\r\n\r\n") == 400);
  }
  CHECK(refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  for (const char* line : {"X : 1", "X", ": 1", " X: 1", "X: 1\r\n folded", "X: a\rb"}) {
    CHECK(refusal(get("/", std::string("Host: a\r\n") + line + "\r\n")) == 400);
  }
  CHECK(refusal(get("/", std::string("Host: a\r\nX: a\0b\r\n", 17))) == 400);
  std::string many = "Host: a\r\n";
  for (std::size_t i = 0; i < kMaxHeaderFields; ++i) {
    many += "X: 1\r\n";
  }
  CHECK(refusal(get("/", many)) == 431);
}

TEST_CASE("a connection stays when both sides can") {
  CHECK(accepted(get("/")).keep_alive);
  CHECK_FALSE(accepted(get("/", "Host: a\r\nConnection: x, Close\r\n")).keep_alive);
  CHECK_FALSE(accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  CHECK(accepted(get("/", "Host: a\r\nExpect: 100-continue\r\n")).expects_continue);
}

TEST_CASE("paths are cleaned as Go cleans them") {
  CHECK(clean_path("/metrics") == "/metrics");
  CHECK(clean_path("//metrics") == "/metrics");
  CHECK(clean_path("/a/./b/../c") == "/a/c");
  CHECK(clean_path("/../..") == "/");
  CHECK(clean_path("/a//") == "/a/");
  CHECK(clean_path("") == "/");
  CHECK(percent_encode("/a b%/ä", "/") == "/a%20b%25/%C3%A4");
}
