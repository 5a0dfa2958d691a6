#include "http/response.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <span>
#include <utility>

namespace tpx::http {
namespace {

constexpr std::size_t kChunk = 65536;
/// A piece of this size is a chunk of its own, and is not copied.
constexpr std::size_t kLarge = 16384;
/// No more is queued before it is looked at how much memory the answers take.
constexpr std::size_t kMostAtOnce = 262144;

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
    : exchange_(exchange), settings_(std::move(settings)) {}

void HttpResponse::begin(int status, Headers headers) {
  status_ = status;
  headers_ = std::move(headers);
}

void HttpResponse::reset() {
  status_ = 0;
  cut_ = false;
  headers_.clear();
  body_.clear();
}

bool HttpResponse::write(std::string_view piece) {
  const bool large = head_sent_ && piece.size() >= kLarge;
  if (failed_ || (body_.size() + piece.size() <= kChunk && !large)) {
    body_.append(failed_ ? std::string_view() : piece);
    return !failed_;
  }
  if (settings_.head) {
    cut_ = true;
    return false;  // no need to make the rest of what nobody reads
  }
  while (!failed_ && !piece.empty()) {
    send_chunk(piece.substr(0, kMostAtOnce), {});
    piece.remove_prefix(std::min(piece.size(), kMostAtOnce));
  }
  return !failed_;
}

bool HttpResponse::reserve() {
  failed_ = failed_ || !exchange_.reserve();
  return !failed_;
}

void HttpResponse::on_delivery(const Delivery& told) {
  if (failed_) {
    told(false);
  } else {
    exchange_.on_delivery(told);
  }
}

void HttpResponse::finish() {
  exchange_.leave_slot();  // a client that has read the end may ask again at once
  if (head_sent_) {
    send_chunk({}, settings_.http10 ? "" : "0\r\n\r\n");
    return;
  }
  const std::string head = make_head(!cut_);
  send({head, settings_.head ? std::string_view() : body_});
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
    line("Content-Length", std::to_string(body_.size()));
  } else if (!whole && !settings_.http10 && !settings_.head) {
    line("Transfer-Encoding", "chunked");
  }
  line("Connection", settings_.keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

/// A chunk of the body kept so far and `piece`; then `ending`.
void HttpResponse::send_chunk(std::string_view piece, std::string_view ending) {
  const std::string head = head_sent_ ? std::string() : make_head(false);
  const std::size_t size = body_.size() + piece.size();
  std::array<char, 24> field{};
  if (size != 0 && !settings_.http10) {
    (void)std::snprintf(field.data(), field.size(), "%zx\r\n", size);
  }
  send({head, field.data(), body_, piece, size != 0 && !settings_.http10 ? "\r\n" : "", ending});
  body_.clear();
}

void HttpResponse::send(std::initializer_list<std::string_view> pieces) {
  if (!failed_ && !exchange_.send(std::span(pieces.begin(), pieces.size()))) {
    failed_ = true;  // a client that is gone, or takes longer than it may
  }
}

}  // namespace tpx::http
