#include "config/web_config.h"

#include "catch.h"

using namespace tpx;
using namespace tpx::config;

namespace {

const std::string kHash = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";

LoadedWebConfig parse_text(const std::string& text) {
  return parse_web_config("/etc/exporter/web.yml", text);
}

/// `line:column: message` of the only error.
std::string only_error(const std::string& text) {
  const LoadedWebConfig loaded = parse_text(text);
  REQUIRE(loaded.errors.size() == 1);
  const Error& error = loaded.errors[0];
  REQUIRE(error.location.has_value());
  CHECK(error.location->file == "/etc/exporter/web.yml");
  return std::to_string(error.location->line) + ":" + std::to_string(error.location->column) + ": " + error.message;
}

}  // namespace

TEST_CASE("every key of the web configuration is read") {
  const LoadedWebConfig loaded = parse_text(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519, CurveP384]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=1
    X-XSS-Protection: ""
basic_auth_users:
  alice: )" + kHash);
  REQUIRE(loaded.errors.empty());
  const WebTls& tls = loaded.config.tls.value();
  CHECK(tls.cert_file == "/etc/exporter/server.crt");
  CHECK(tls.key_file == "/keys/server.key");
  CHECK(tls.client_ca_file == "/etc/exporter/ca.crt");
  CHECK(tls.client_auth == ClientAuth::RequireAndVerifyClientCert);
  CHECK(tls.min_version == TlsVersion::Tls13);
  CHECK(tls.cipher_suites.size() == 1);
  CHECK(tls.curve_preferences.size() == 2);
  CHECK_FALSE(tls.prefer_server_cipher_suites);
  CHECK(loaded.config.users.at("alice") == kHash);
  REQUIRE(loaded.config.headers.size() == 2);
  CHECK(loaded.config.headers[0] == std::pair<std::string, std::string>("X-Frame-Options", "deny"));
}

TEST_CASE("an empty web configuration asks for nothing") {
  for (const char* text : {"", "{}", "# nothing\n", "tls_server_config:\nbasic_auth_users:\nhttp_server_config:\n"}) {
    const LoadedWebConfig loaded = parse_text(text);
    CHECK(loaded.errors.empty());
    CHECK_FALSE(loaded.config.tls.has_value());
    CHECK(loaded.config.users.empty());
  }
}

TEST_CASE("what is wrong in a web configuration is said with its place") {
  CHECK(only_error("basic_auth_user: {}") == "1:1: the web configuration has no key \"basic_auth_user\"");
  CHECK(only_error("a: [").find("end of sequence") != std::string::npos);
  CHECK(only_error("- a\n") == "1:1: the web configuration must be a map, this is a list");
  CHECK(only_error("http_server_config: {}\nhttp_server_config: {}") ==
        "2:1: key \"http_server_config\" is here twice");
  CHECK(only_error("basic_auth_users:\n  alice: secret\n") ==
        "2:10: the password of user \"alice\" is not a bcrypt hash");
  CHECK(only_error("basic_auth_users:\n  a:b: " + kHash).find("':'") != std::string::npos);
  CHECK(only_error("rate_limit: {interval: 1}") == "1:24: interval must be a duration, such as 100ms or 1s");
  CHECK(only_error("rate_limit: {burst: -1}") ==
        "1:21: burst must be a whole number from 0 to 4294967295, this is \"-1\"");
  CHECK(only_error("rate_limit: {interval: 1s}") == "1:13: rate_limit without a burst refuses every request");
  CHECK(only_error("rate_limit: {every: 1s}") == "1:14: rate_limit has no key \"every\"");
  CHECK(only_error("http_server_config: {headers: {X-Other: a}}") == "1:32: headers has no key \"X-Other\"");
  CHECK(only_error("http_server_config: {headers: {X-Frame-Options: \"a\\r\\nb\"}}").find("must be one line") !=
        std::string::npos);
  const std::string files = "tls_server_config: {cert_file: a, key_file: b, ";
  CHECK(only_error("tls_server_config: {cert_file: a}") == "1:20: tls_server_config needs key_file (or key)");
  CHECK(only_error(files + "cert: x}") == "1:20: cert and cert_file exclude each other");
  CHECK(only_error(files + "min_version: TLS9}") == "1:61: min_version is not one of TLS10, TLS11, TLS12, TLS13");
  CHECK(only_error(files + "min_version: TLS13, max_version: TLS12}") == "1:20: min_version is above max_version");
  CHECK(only_error(files + "client_auth_type: RequireAndVerifyClientCert}") ==
        "1:20: this client_auth_type needs client_ca_file");
  CHECK(only_error(files + "client_allowed_sans: [a]}") ==
        "1:20: client_allowed_sans needs a client_auth_type that requires a certificate");
  CHECK(only_error(files + "client_ca_file: c}") == "1:20: client_ca_file has no effect without client_auth_type");
  CHECK(only_error(files + "curve_preferences: [P256]}") == "1:68: \"P256\" in curve_preferences is not known");
  CHECK(only_error(files + "prefer_server_cipher_suites: perhaps}").find("must be true or false") != std::string::npos);
}

TEST_CASE("a web configuration's rate limit, and its absence") {
  const LoadedWebConfig loaded = parse_text("rate_limit:\n  interval: 100ms\n  burst: 20\n");
  CHECK(loaded.errors.empty());
  CHECK(loaded.config.rate.interval == std::chrono::milliseconds(100));
  CHECK(loaded.config.rate.burst == 20);
  for (const char* text : {"", "rate_limit:\n", "rate_limit: {interval: 0}", "rate_limit: {burst: 3}"}) {
    const LoadedWebConfig none = parse_text(text);
    CHECK(none.errors.empty());
    CHECK(none.config.rate.interval.count() == 0);
  }
}

TEST_CASE("all errors of a web configuration come at once") {
  CHECK(parse_text("a: 1\nb: 2\nbasic_auth_users: {x: y}\n").errors.size() == 3);
}
