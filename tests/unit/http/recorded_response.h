#pragma once

#include <string>

#include "http/message.h"

namespace tpx::test {

/// Keeps what a handler answers.
class RecordedResponse : public tpx::http::Response {
 public:
  void begin(int code, tpx::http::Headers sent) override {
    status = code;
    headers = std::move(sent);
  }
  bool write(std::string_view piece) override {
    body += piece;
    return true;
  }
  [[nodiscard]] std::string header(const std::string& name) const {
    for (const auto& [known, value] : headers) {
      if (known == name) {
        return value;
      }
    }
    return "";
  }

  int status = 0;
  tpx::http::Headers headers;
  std::string body;
};

}  // namespace tpx::test
