#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>

#include "base/duration.h"
#include "base/words.h"
#include "config/reader.h"

namespace tpx::config {
namespace {

using yaml::Node;

constexpr std::array<std::string_view, 5> kClientAuth = {"NoClientCert", "RequestClientCert", "RequireAnyClientCert",
                                                         "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"};
constexpr std::array<std::string_view, 4> kVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
constexpr std::array<std::string_view, 4> kCurves = {"CurveP256", "CurveP384", "CurveP521", "X25519"};
constexpr std::array<std::string_view, 5> kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                                                      "X-Content-Type-Options", "X-XSS-Protection",
                                                      "Strict-Transport-Security"};

/// The values that YAML 1.1 reads as truth values, as other users of the toolkit's files do.
std::optional<bool> truth_value(const Node& node) {
  std::string word = node.text;
  std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return node.kind == Node::Kind::Scalar && std::find(words.begin(), words.end(), word) != words.end();
  };
  return is({"true", "yes", "on", "y"})    ? std::optional(true)
         : is({"false", "no", "off", "n"}) ? std::optional(false)
                                           : std::nullopt;
}

/// Reads one file; every problem goes to `loaded.errors` and reading goes on. Empty maps and strings are as good as none.
class WebReader {
 public:
  WebReader(const std::string& path, const std::string& text, LoadedWebConfig& loaded)
      : path_(path), reader_(path, text, loaded.errors), config_(loaded.config) {}

  void read(const Node& root) {
    each_key(root, "the web configuration",
             {{"tls_server_config", [this](const Node& node) { read_tls(node); }},
              {"http_server_config", [this](const Node& node) { read_http(node); }},
              {"basic_auth_users", [this](const Node& node) { read_users(node); }},
              {"rate_limit", [this](const Node& node) { read_rate(node); }}});
  }

 private:
  struct Key {
    std::string name;
    std::function<void(const Node&)> action;
  };

  void each_key(const Node& node, std::string_view what, const std::vector<Key>& keys) {
    std::vector<std::string> names;
    std::transform(keys.begin(), keys.end(), std::back_inserter(names), [](const Key& key) { return key.name; });
    const auto fields = reader_.fields(node, what, names, true);
    for (const Key& key : keys) {
      if (const Node* value = fields ? fields->find(key.name) : nullptr) {
        key.action(*value);
      }
    }
  }

  Key into(std::string& target, const std::string& name, bool file = false) {
    return {name, [this, &target, name, file](const Node& node) {
              target = reader_.string(node, name).value_or("");
              if (file && !target.empty() && target.front() != '/') {
                target = (std::filesystem::path(path_).parent_path() / target).string();
              }
            }};
  }

  Key into(bool& target, const std::string& name) {
    return {name, [this, &target, name](const Node& node) {
              const auto value = truth_value(node);
              if (!value) {
                reader_.error(node, name + " must be true or false");
              }
              target = value.value_or(target);
            }};
  }

  template <class Enum>
  Key choice(Enum& target, const std::string& name, std::span<const std::string_view> values) {
    return {name, [this, &target, name, values](const Node& node) {
              const auto found = std::find(values.begin(), values.end(), node.text);
              if (found == values.end()) {
                reader_.error(node, name + " is not one of " + joined(values));
                return;
              }
              target = static_cast<Enum>(found - values.begin());
            }};
  }

  Key list(std::vector<std::string>& target, const std::string& name, std::span<const std::string_view> allowed) {
    return {name, [this, &target, name, allowed](const Node& node) {
              for (const Node* item : reader_.list(node, name).value_or(std::vector<const Node*>())) {
                const std::string& text = item->text;
                if (text.empty() ||
                    (!allowed.empty() && std::find(allowed.begin(), allowed.end(), text) == allowed.end())) {
                  reader_.error(*item, in_quotes(text) + " in " + name + " is not known",
                                allowed.empty() ? "" : "known are " + joined(allowed));
                } else {
                  target.push_back(text);
                }
              }
            }};
  }

  void read_tls(const Node& node) {
    WebTls tls;
    each_key(node, "tls_server_config",
             {into(tls.cert_file, "cert_file", true), into(tls.key_file, "key_file", true),
              into(tls.client_ca_file, "client_ca_file", true), into(tls.cert, "cert"), into(tls.key, "key"),
              into(tls.client_ca, "client_ca"), choice(tls.client_auth, "client_auth_type", kClientAuth),
              list(tls.client_allowed_sans, "client_allowed_sans", {}),
              choice(tls.min_version, "min_version", kVersions), choice(tls.max_version, "max_version", kVersions),
              list(tls.cipher_suites, "cipher_suites", {}), list(tls.curve_preferences, "curve_preferences", kCurves),
              into(tls.prefer_server_cipher_suites, "prefer_server_cipher_suites")});
    check_tls(tls, node);
    config_.tls = std::move(tls);
  }

  void check_tls(const WebTls& tls, const Node& node) {
    const auto one_of = [&](const std::string& file, const std::string& text, const std::string& name) {
      if (file.empty() == text.empty()) {
        reader_.error(node, file.empty() ? "tls_server_config needs " + name + "_file (or " + name + ")"
                                         : name + " and " + name + "_file exclude each other");
      }
    };
    one_of(tls.cert_file, tls.cert, "cert");
    one_of(tls.key_file, tls.key, "key");
    if (!tls.client_ca_file.empty() && !tls.client_ca.empty()) {
      reader_.error(node, "client_ca and client_ca_file exclude each other");
    }
    const bool has_ca = !tls.client_ca_file.empty() || !tls.client_ca.empty();
    const bool verifies = tls.client_auth == ClientAuth::VerifyClientCertIfGiven ||
                          tls.client_auth == ClientAuth::RequireAndVerifyClientCert;
    if (has_ca && tls.client_auth == ClientAuth::NoClientCert) {
      reader_.error(node, "client_ca_file has no effect without client_auth_type",
                    "set client_auth_type: RequireAndVerifyClientCert");
    }
    if (verifies && !has_ca) {
      reader_.error(node, "this client_auth_type needs client_ca_file");
    }
    // The other types let a client connect without a certificate.
    const bool requires_one = tls.client_auth == ClientAuth::RequireAnyClientCert ||
                              tls.client_auth == ClientAuth::RequireAndVerifyClientCert;
    if (!tls.client_allowed_sans.empty() && !requires_one) {
      reader_.error(node, "client_allowed_sans needs a client_auth_type that requires a certificate",
                    "set client_auth_type: RequireAndVerifyClientCert");
    }
    if (tls.min_version > tls.max_version) {
      reader_.error(node, "min_version is above max_version");
    }
  }

  void read_rate(const Node& node) {
    WebRate rate;
    each_key(node, "rate_limit",
             {{"interval",
               [&](const Node& value) {
                 const auto interval = parse_duration(value.text);
                 if (!interval) {
                   reader_.error(value, "interval must be a duration, such as 100ms or 1s");
                 }
                 rate.interval = interval.value_or(rate.interval);
               }},
              {"burst", [&](const Node& value) {
                 rate.burst = reader_.integer(value, "burst", 0, std::numeric_limits<std::uint32_t>::max()).value_or(0);
               }}});
    if (rate.interval.count() > 0 && rate.burst == 0 && reader_.errors() == 0) {
      reader_.error(node, "rate_limit without a burst refuses every request", "set burst to 1 or more");
    }
    config_.rate = rate;
  }

  void read_http(const Node& node) {
    bool http2 = true;  // taken so that files made for other exporters work; HTTP/1.1 is all that is spoken here
    each_key(node, "http_server_config",
             {into(http2, "http2"), {"headers", [this](const Node& headers) { read_headers(headers); }}});
  }

  void read_headers(const Node& node) {
    std::vector<std::string> values(kHeaders.size());
    std::vector<Key> keys;
    for (std::size_t i = 0; i < kHeaders.size(); ++i) {
      keys.push_back(into(values[i], std::string(kHeaders[i])));
    }
    each_key(node, "headers", keys);
    for (std::size_t i = 0; i < kHeaders.size(); ++i) {
      if (values[i].find_first_of("\r\n") != std::string::npos) {
        reader_.error(node, std::string(kHeaders[i]) + " must be one line");
      } else if (!values[i].empty()) {
        config_.headers.emplace_back(std::string(kHeaders[i]), values[i]);
      }
    }
  }

  void read_users(const Node& node) {
    const auto users = reader_.entries(node, "basic_auth_users");
    if (!users) {
      return;
    }
    for (const auto& [user, hash] : *users) {
      if (user.value.empty() || user.value.find(':') != std::string::npos) {
        reader_.add(Error{"a user name must be a string without ':'", {}, user.at});
      } else if (!is_bcrypt(hash->text)) {
        reader_.error(*hash, "the password of user " + in_quotes(user.value) + " is not a bcrypt hash",
                      "make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'");
      } else {
        config_.users.emplace(user.value, hash->text);
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

  const std::string& path_;
  Reader reader_;
  WebConfig& config_;
};

}  // namespace

LoadedWebConfig parse_web_config(const std::string& path, const std::string& text) {
  LoadedWebConfig loaded;
  const yaml::NodePtr root = yaml::read(path, text, loaded.errors);
  if (root && root->kind != Node::Kind::Null) {
    WebReader(path, text, loaded).read(*root);
  }
  return loaded;
}

}  // namespace tpx::config
