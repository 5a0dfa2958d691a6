#include "http/response.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace tpx::http {
namespace {

constexpr std::size_t kChunk = 65536;
/// Eight digits and CRLF; leading zeros are allowed (RFC 9112, section 7.1).
constexpr std::size_t kSizeField = 10;

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), length};
}

bool has(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() && ::strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
}

/// A header's value must not start a header of its own.
std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

}  // namespace

HttpResponse::HttpResponse(Exchange& exchange, Settings settings)
    : exchange_(exchange), settings_(std::move(settings)), body_(kSizeField, '0') {}

void HttpResponse::begin(int status, Headers headers) {
  status_ = status;
  headers_ = std::move(headers);
}

void HttpResponse::reset() {
  status_ = 0;
  headers_.clear();
  body_.resize(kSizeField);
}

bool HttpResponse::write(std::string_view piece) {
  while (!piece.empty() && !failed_) {
    const std::size_t room = kChunk + kSizeField - body_.size();
    body_.append(piece.substr(0, room));
    piece.remove_prefix(std::min(room, piece.size()));
    if (body_.size() == kChunk + kSizeField) {
      if (settings_.head) {
        return false;  // no need to make the rest of what nobody reads
      }
      flush();
    }
  }
  return !failed_;
}

void HttpResponse::finish() {
  if (!head_sent_) {
    const bool whole = body_.size() < kChunk + kSizeField;
    std::string answer = make_head(whole);
    if (!settings_.head) {
      answer.append(body_, kSizeField);
    }
    send(std::move(answer));
    return;
  }
  flush();
  if (!settings_.http10) {
    send("0\r\n\r\n");
  }
}

std::string HttpResponse::make_head(bool whole) {
  head_sent_ = true;
  if (!whole && settings_.http10) {
    settings_.keep_alive = false;
  }
  std::string head = "HTTP/1.1 " + std::to_string(status_) + " " + std::string(status_text(status_)) + "\r\n";
  const auto line = [&head](std::string_view name, const std::string& value) {
    head.append(name).append(": ").append(one_line(value)).append("\r\n");
  };
  line("Date", http_date());
  for (const auto& [name, value] : headers_) {
    line(name, value);
  }
  for (const auto& [name, value] : settings_.extra) {
    if (!has(headers_, name)) {
      line(name, value);
    }
  }
  if (whole && status_ != 204) {
    line("Content-Length", std::to_string(body_.size() - kSizeField));
  } else if (!whole && !settings_.http10 && !settings_.head) {
    line("Transfer-Encoding", "chunked");
  }
  line("Connection", settings_.keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

void HttpResponse::flush() {
  if (!head_sent_) {
    send(make_head(false));
  }
  const std::size_t size = body_.size() - kSizeField;
  if (size != 0 && settings_.http10) {
    send(body_.substr(kSizeField));
  } else if (size != 0) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < 8; ++i) {
      body_[i] = kDigits[(size >> (4 * (7 - i))) & 0xF];
    }
    body_[8] = '\r';
    body_[9] = '\n';
    body_ += "\r\n";
    send(std::exchange(body_, {}));
    body_.reserve(kSizeField + kChunk + 2);
  }
  body_.assign(kSizeField, '0');
}

void HttpResponse::send(std::string bytes) {
  if (!failed_ && !bytes.empty() && !exchange_.send(std::move(bytes))) {
    failed_ = true;  // a client that is gone, or takes longer than it may
  }
}

}  // namespace tpx::http
