// Any bytes as a request: no crash, no answer that depends on how they arrive; a head that is accepted says one thing.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "http/request_head.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto length = tpx::http::head_length(text);
  if (!length) {
    return 0;
  }
  require(*length <= size);
  const std::string head = text.substr(0, *length);
  require(tpx::http::head_length(head) == length);
  require(!tpx::http::head_length(head.substr(0, *length - 1)));
  const auto parsed = tpx::http::parse_request_head(head);
  if (!parsed) {
    require(parsed.error().status >= 400 && parsed.error().status < 600 && !parsed.error().reason.empty());
    return 0;
  }
  const tpx::http::Request& request = parsed->request;
  require(request.path == "*" || request.path.starts_with('/'));
  require(std::none_of(request.path.begin(), request.path.end(), [](char c) { return c >= 0 && c < 0x20; }));
  const auto named = [&](const std::string& name) { return request.header(name) != nullptr; };
  require(parsed->http10 || named("Host"));
  require(!named("Transfer-Encoding"));
  require(named("Content-Length") || parsed->body_bytes == 0);
  const std::string clean = tpx::http::clean_path(request.path);
  require(tpx::http::clean_path(clean) == clean);
  return 0;
}
