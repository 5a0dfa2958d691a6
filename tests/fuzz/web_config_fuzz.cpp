// Any text as a web configuration: no crash; every error has a message and a place in the text; what is accepted is consistent.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "config/web_config.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void check_tls(const tpx::config::WebTls& tls) {
  using tpx::config::ClientAuth;
  require(tls.cert_file.empty() != tls.cert.empty());
  require(tls.key_file.empty() != tls.key.empty());
  require(tls.min_version <= tls.max_version);
  require(tls.client_allowed_sans.empty() || tls.client_auth == ClientAuth::RequireAnyClientCert ||
          tls.client_auth == ClientAuth::RequireAndVerifyClientCert);
  for (const std::string* file : {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
    require(file->empty() || file->front() == '/');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto loaded = tpx::config::parse_web_config("/etc/web.yml", text);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2;
  for (const tpx::Error& error : loaded.errors) {
    require(!error.message.empty());
    require(!error.location || (error.location->line >= 1 && error.location->line <= lines));
  }
  if (!loaded.errors.empty()) {
    return 0;
  }
  if (loaded.config.tls) {
    check_tls(*loaded.config.tls);
  }
  require(loaded.config.rate.interval.count() <= 0 || loaded.config.rate.burst > 0);
  for (const auto& [user, hash] : loaded.config.users) {
    require(!user.empty() && user.find(':') == std::string::npos && hash.size() == 60);
  }
  for (const auto& [name, value] : loaded.config.headers) {
    require(!value.empty() && value.find_first_of("\r\n") == std::string::npos);
  }
  return 0;
}
