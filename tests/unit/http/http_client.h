#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

#include "base/unique_fd.h"

namespace tpx::test {

/// An answer as it came over the wire, its body already taken out of its chunks.
struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  bool complete = false;  ///< the body had the end that its head promised
  [[nodiscard]] bool has(const std::string& line) const { return head.find(line + "\r\n") != std::string::npos; }
};

/// A tiny blocking HTTP client, on purpose without any library: what is on the wire is what is tested.
class Client {
 public:
  explicit Client(std::uint16_t port, int family = AF_INET) : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage = {};
    socklen_t length = sizeof(sockaddr_in);
    storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET6) {
      auto* address = static_cast<sockaddr_in6*>(static_cast<void*>(&storage));
      address->sin6_port = htons(port);
      address->sin6_addr = in6addr_loopback;
      length = sizeof(sockaddr_in6);
    } else {
      auto* address = static_cast<sockaddr_in*>(static_cast<void*>(&storage));
      address->sin_port = htons(port);
      address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (::connect(socket_.get(), static_cast<sockaddr*>(static_cast<void*>(&storage)), length) != 0) {
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    const timeval limit = {20, 0};  // a hung server fails the test instead of hanging it
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view text) {
    while (!text.empty()) {
      const long count = write_some(text);
      if (count <= 0) {
        return;  // the server closed: what it said before is what the test looks at
      }
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  /// Reads one answer; to a HEAD there is no body, and none in a 204.
  Answer receive(bool head = false) {
    Answer answer;
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) {
        answer.head = std::exchange(buffer_, {});
        return answer;
      }
    }
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    if (answer.head.size() > 12) {
      answer.status = std::atoi(answer.head.c_str() + 9);
    }
    if (head || answer.status == 204) {
      answer.complete = true;
    } else if (answer.has("Transfer-Encoding: chunked")) {
      answer.complete = take_chunks(answer.body);
    } else if (const auto at = answer.head.find("Content-Length: "); at != std::string::npos) {
      answer.complete = take(std::strtoul(answer.head.c_str() + at + 16, nullptr, 10), answer.body);
    } else {
      while (fill()) {
      }
      answer.body = std::exchange(buffer_, {});
      answer.complete = true;
    }
    return answer;
  }

  Answer get(const std::string& path, const std::string& headers = {}, const std::string& method = "GET") {
    send(method + " " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n");
    return receive(method == "HEAD");
  }

  /// True when the server has ended the connection (waits for that).
  bool closed() {
    while (fill()) {
    }
    return true;
  }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 protected:
  virtual long read_some(char* bytes, std::size_t room) { return ::recv(socket_.get(), bytes, room, 0); }
  virtual long write_some(std::string_view text) {
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

 private:
  bool fill() {
    char bytes[16384];
    const long count = read_some(bytes, sizeof(bytes));
    if (count > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(count));
    }
    return count > 0;
  }
  bool take(std::size_t count, std::string& into) {
    while (buffer_.size() < count) {
      if (!fill()) {
        return false;
      }
    }
    into.append(buffer_, 0, count);
    buffer_.erase(0, count);
    return true;
  }
  bool take_chunks(std::string& into) {
    for (;;) {
      std::size_t end = std::string::npos;
      while ((end = buffer_.find("\r\n")) == std::string::npos) {
        if (!fill()) {
          return false;
        }
      }
      const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      buffer_.erase(0, end + 2);
      std::string line_end;
      if (!take(size, into) || !take(2, line_end) || line_end != "\r\n") {
        return false;
      }
      if (size == 0) {
        return true;
      }
    }
  }

  tpx::UniqueFd socket_;
  std::string buffer_;
};

}  // namespace tpx::test
