#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tpx::config {

/// How a server asks for and checks client certificates; the names are Go's tls.ClientAuthType.
enum class ClientAuth : std::uint8_t {
  NoClientCert,
  RequestClientCert,
  RequireAnyClientCert,
  VerifyClientCertIfGiven,
  RequireAndVerifyClientCert
};

enum class TlsVersion : std::uint8_t { Tls10, Tls11, Tls12, Tls13 };

/// `tls_server_config`. Of each file and its inline text one is set; relative files are already joined with the
/// directory of the web configuration.
struct WebTls {
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;
  std::string cert;  ///< PEM, written in the file itself
  std::string key;
  std::string client_ca;
  ClientAuth client_auth = ClientAuth::NoClientCert;
  std::vector<std::string> client_allowed_sans;  ///< one of them is in the client's certificate; empty: any will do
  TlsVersion min_version = TlsVersion::Tls12;
  TlsVersion max_version = TlsVersion::Tls13;
  std::vector<std::string> cipher_suites;      ///< IANA names, up to TLS 1.2; empty: the library's choice
  std::vector<std::string> curve_preferences;  ///< CurveP256, CurveP384, CurveP521, X25519; empty: the library's choice
  bool prefer_server_cipher_suites = true;
};

/// `rate_limit`: a token bucket over all requests.
struct WebRate {
  std::chrono::nanoseconds interval{};  ///< in which a token comes; 0: no limit
  unsigned burst = 0;                   ///< the most tokens that there are
};

/// The web configuration of Prometheus' exporter-toolkit
/// (https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md).
struct WebConfig {
  std::optional<WebTls> tls;
  std::map<std::string, std::string> users;                  ///< name → bcrypt hash
  std::vector<std::pair<std::string, std::string>> headers;  ///< put on every answer; blank ones are left out
  WebRate rate;
};

struct LoadedWebConfig {
  WebConfig config;
  Errors errors;
};

/// Reads `text`, the contents of the file `path`. Unknown and duplicate keys, wrong types and what contradicts itself are
/// errors, all at once, with their place. Certificates are not opened here. Never throws.
[[nodiscard]] LoadedWebConfig parse_web_config(const std::string& path, const std::string& text);

}  // namespace tpx::config
