#include "config/web_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <set>
#include <span>

#include "base/duration.h"
#include "base/text.h"

namespace tpx::config {
namespace {

constexpr std::array<std::string_view, 5> kClientAuth = {"NoClientCert", "RequestClientCert", "RequireAnyClientCert",
                                                         "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"};
constexpr std::array<std::string_view, 4> kVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
constexpr std::array<std::string_view, 4> kCurves = {"CurveP256", "CurveP384", "CurveP521", "X25519"};
constexpr std::array<std::string_view, 5> kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                                                      "X-Content-Type-Options", "X-XSS-Protection",
                                                      "Strict-Transport-Security"};

/// Reads one file; every problem goes to `loaded.errors` and reading goes on.
class WebReader {
 public:
  explicit WebReader(std::string path) : path_(std::move(path)) {}

  LoadedWebConfig read(const std::string& text) {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) {
      return std::move(loaded_);  // as with the toolkit: nothing asked for
    }
    each_key(root, "the web configuration",
             {{"tls_server_config", [this](const YAML::Node& node) { read_tls(node); }},
              {"http_server_config", [this](const YAML::Node& node) { read_http(node); }},
              {"basic_auth_users", [this](const YAML::Node& node) { read_users(node); }},
              {"rate_limit", [this](const YAML::Node& node) { read_rate(node); }}});
    return std::move(loaded_);
  }

  void fail_at(const YAML::Mark& mark, std::string message, std::string hint = {}) {
    Error error{std::move(message), std::move(hint)};
    if (!mark.is_null()) {
      error.location =
          SourceLocation{path_, static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
    }
    loaded_.errors.push_back(std::move(error));
  }

  LoadedWebConfig take() { return std::move(loaded_); }

 private:
  using Action = std::function<void(const YAML::Node&)>;
  struct Key {
    std::string name;
    Action action;
  };

  void each_key(const YAML::Node& node, const std::string& what, const std::vector<Key>& keys) {
    if (!node.IsMap()) {
      fail_at(node.Mark(), what + " must be a map");
      return;
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
      if (key == keys.end()) {
        std::vector<std::string> names;
        std::transform(keys.begin(), keys.end(), std::back_inserter(names), [](const Key& k) { return k.name; });
        fail_at(entry.first.Mark(), "unknown" + in(name, what), did_you_mean(name, names));
      } else if (!seen.insert(name).second) {
        fail_at(entry.first.Mark(), "duplicate" + in(name, what));
      } else {
        key->action(entry.second);
      }
    }
  }

  static std::string in(const std::string& key, const std::string& what) {
    std::string text = " key \"";
    return text.append(key).append("\" in ").append(what);
  }

  Action into(std::string& target, const std::string& name, bool file = false) {
    return [this, &target, name, file](const YAML::Node& node) {
      if (!node.IsScalar()) {
        fail_at(node.Mark(), name + " must be a string");
        return;
      }
      target = node.Scalar();
      if (file && !target.empty() && target.front() != '/') {
        target = (std::filesystem::path(path_).parent_path() / target).string();
      }
    };
  }

  Action into(bool& target, const std::string& name) {
    return [this, &target, name](const YAML::Node& node) {
      if (!node.IsScalar() || !YAML::convert<bool>::decode(node, target)) {
        fail_at(node.Mark(), name + " must be true or false");
      }
    };
  }

  template <class Enum>
  Action choice(Enum& target, const std::string& name, std::span<const std::string_view> values) {
    return [this, &target, name, values](const YAML::Node& node) {
      const std::string text = node.IsScalar() ? node.Scalar() : "";
      const auto found = std::find(values.begin(), values.end(), text);
      if (found == values.end()) {
        fail_at(node.Mark(), name + " is not one of " + join(values));
        return;
      }
      target = static_cast<Enum>(found - values.begin());
    };
  }

  Action list(std::vector<std::string>& target, const std::string& name, std::span<const std::string_view> allowed) {
    return [this, &target, name, allowed](const YAML::Node& node) {
      if (!node.IsSequence()) {
        fail_at(node.Mark(), name + " must be a list");
        return;
      }
      for (const YAML::Node& item : node) {
        const std::string text = item.IsScalar() ? item.Scalar() : "";
        if (text.empty() || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), text) == allowed.end())) {
          fail_at(item.Mark(), "\"" + text + "\" in " + name + " is not known",
                  allowed.empty() ? "" : "known are " + join(allowed));
        } else {
          target.push_back(text);
        }
      }
    };
  }

  static std::string join(std::span<const std::string_view> values) {
    std::string out;
    for (const std::string_view value : values) {
      out.append(out.empty() ? "" : ", ").append(value);
    }
    return out;
  }

  void read_tls(const YAML::Node& node) {
    if (node.IsNull()) {
      return;
    }
    WebTls tls;
    each_key(node, "tls_server_config",
             {{"cert_file", into(tls.cert_file, "cert_file", true)},
              {"key_file", into(tls.key_file, "key_file", true)},
              {"client_ca_file", into(tls.client_ca_file, "client_ca_file", true)},
              {"cert", into(tls.cert, "cert")},
              {"key", into(tls.key, "key")},
              {"client_ca", into(tls.client_ca, "client_ca")},
              {"client_auth_type", choice(tls.client_auth, "client_auth_type", kClientAuth)},
              {"client_allowed_sans", list(tls.client_allowed_sans, "client_allowed_sans", {})},
              {"min_version", choice(tls.min_version, "min_version", kVersions)},
              {"max_version", choice(tls.max_version, "max_version", kVersions)},
              {"cipher_suites", list(tls.cipher_suites, "cipher_suites", {})},
              {"curve_preferences", list(tls.curve_preferences, "curve_preferences", kCurves)},
              {"prefer_server_cipher_suites", into(tls.prefer_server_cipher_suites, "prefer_server_cipher_suites")}});
    check_tls(tls, node.Mark());
    loaded_.config.tls = std::move(tls);
  }

  void check_tls(const WebTls& tls, const YAML::Mark& mark) {
    const auto one_of = [&](const std::string& file, const std::string& text, const std::string& name) {
      if (file.empty() == text.empty()) {
        fail_at(mark, file.empty() ? "tls_server_config needs " + name + "_file (or " + name + ")"
                                   : name + " and " + name + "_file exclude each other");
      }
    };
    one_of(tls.cert_file, tls.cert, "cert");
    one_of(tls.key_file, tls.key, "key");
    if (!tls.client_ca_file.empty() && !tls.client_ca.empty()) {
      fail_at(mark, "client_ca and client_ca_file exclude each other");
    }
    const bool has_ca = !tls.client_ca_file.empty() || !tls.client_ca.empty();
    const bool verifies = tls.client_auth == ClientAuth::VerifyClientCertIfGiven ||
                          tls.client_auth == ClientAuth::RequireAndVerifyClientCert;
    if (has_ca && tls.client_auth == ClientAuth::NoClientCert) {
      fail_at(mark, "client_ca_file has no effect without client_auth_type",
              "set client_auth_type: RequireAndVerifyClientCert");
    }
    if (verifies && !has_ca) {
      fail_at(mark, "this client_auth_type needs client_ca_file");
    }
    // The other types let a client connect without a certificate.
    const bool requires_one = tls.client_auth == ClientAuth::RequireAnyClientCert ||
                              tls.client_auth == ClientAuth::RequireAndVerifyClientCert;
    if (!tls.client_allowed_sans.empty() && !requires_one) {
      fail_at(mark, "client_allowed_sans needs a client_auth_type that requires a certificate",
              "set client_auth_type: RequireAndVerifyClientCert");
    }
    if (tls.min_version > tls.max_version) {
      fail_at(mark, "min_version is above max_version");
    }
  }

  void read_rate(const YAML::Node& node) {
    if (node.IsNull()) {
      return;
    }
    WebRate rate;
    each_key(node, "rate_limit",
             {{"interval",
               [&](const YAML::Node& value) {
                 const auto interval = value.IsScalar() ? parse_duration(value.Scalar()) : std::nullopt;
                 if (!interval) {
                   fail_at(value.Mark(), "interval must be a duration, such as 100ms or 1s");
                 }
                 rate.interval = interval.value_or(rate.interval);
               }},
              {"burst", [&](const YAML::Node& value) {
                 if (!value.IsScalar() || !YAML::convert<unsigned>::decode(value, rate.burst)) {
                   fail_at(value.Mark(), "burst must be a number of requests");
                 }
               }}});
    if (rate.interval.count() > 0 && rate.burst == 0 && loaded_.errors.empty()) {
      fail_at(node.Mark(), "rate_limit without a burst refuses every request", "set burst to 1 or more");
    }
    loaded_.config.rate = rate;
  }

  void read_http(const YAML::Node& node) {
    if (node.IsNull()) {
      return;
    }
    bool http2 = true;  // taken so that files made for other exporters work; HTTP/1.1 is all that is spoken here
    each_key(
        node, "http_server_config",
        {{"http2", into(http2, "http2")}, {"headers", [this](const YAML::Node& headers) { read_headers(headers); }}});
  }

  void read_headers(const YAML::Node& node) {
    if (node.IsNull()) {
      return;
    }
    std::vector<std::string> values(kHeaders.size());
    std::vector<Key> keys;
    for (std::size_t i = 0; i < kHeaders.size(); ++i) {
      keys.push_back({std::string(kHeaders[i]), into(values[i], std::string(kHeaders[i]))});
    }
    each_key(node, "headers", keys);
    for (std::size_t i = 0; i < kHeaders.size(); ++i) {
      if (values[i].find_first_of("\r\n") != std::string::npos) {
        fail_at(node.Mark(), std::string(kHeaders[i]) + " must be one line");
      } else if (!values[i].empty()) {
        loaded_.config.headers.emplace_back(std::string(kHeaders[i]), values[i]);
      }
    }
  }

  void read_users(const YAML::Node& node) {
    if (node.IsNull()) {
      return;
    }
    if (!node.IsMap()) {
      fail_at(node.Mark(), "basic_auth_users must be a map of user to bcrypt hash");
      return;
    }
    for (const auto& entry : node) {
      const std::string user = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const std::string hash = entry.second.IsScalar() ? entry.second.Scalar() : "";
      if (user.empty() || user.find(':') != std::string::npos) {
        fail_at(entry.first.Mark(), "a user name must be a string without ':'");
      } else if (!is_bcrypt(hash)) {
        fail_at(entry.second.Mark(), "the password of user \"" + user + "\" is not a bcrypt hash",
                "make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'");
      } else if (!loaded_.config.users.emplace(user, hash).second) {
        fail_at(entry.first.Mark(), "duplicate user \"" + user + "\"");
      }
    }
  }

  /// `$2y$10$` and 53 characters of salt and hash, as crypt(5) has it.
  static bool is_bcrypt(const std::string& hash) {
    if (hash.size() != 60 || hash[0] != '$' || hash[1] != '2' ||
        std::string_view("aby").find(hash[2]) == std::string::npos || hash[3] != '$' || hash[6] != '$') {
      return false;
    }
    const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    const bool digits = hash[4] >= '0' && hash[4] <= '3' && hash[5] >= '0' && hash[5] <= '9';
    return digits && cost >= 4 && cost <= 31 &&
           hash.find_first_not_of("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 7) ==
               std::string::npos;
  }

  std::string path_;
  LoadedWebConfig loaded_;
};

}  // namespace

LoadedWebConfig parse_web_config(const std::string& path, const std::string& text) {
  WebReader reader(path);
  try {
    return reader.read(text);
  } catch (const YAML::Exception& error) {
    reader.fail_at(error.mark, error.msg);
  } catch (const std::exception& error) {
    reader.fail_at(YAML::Mark::null_mark(), error.what());
  }
  return reader.take();
}

}  // namespace tpx::config
