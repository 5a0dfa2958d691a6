#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/message.h"

namespace tpx::http {

/// An answer for an exchange. Nothing is sent before a chunk is full or the answer ends: what fits one chunk
/// has a Content-Length.
class HttpResponse : public Response {
 public:
  struct Settings {
    bool head = false;
    bool http10 = false;      ///< no chunks: the end of the connection ends the body
    bool keep_alive = false;  ///< what the Connection header says; cleared where the body must end with the connection
    Headers extra;            ///< put on every answer, unless the handler set one of the name
  };

  HttpResponse(Exchange& exchange, Settings settings);

  void begin(int status, Headers headers) override;
  bool write(std::string_view piece) override;
  bool reserve() override;
  void on_delivery(const Delivery& told) override;

  /// The client gets the answer only after this time. Before anything is sent.
  void hold(std::chrono::milliseconds delay) { exchange_.hold(delay); }
  /// Sends what is left and ends the body.
  void finish();
  /// True once anything was sent: the status can't be changed any more.
  [[nodiscard]] bool sent() const { return head_sent_; }
  /// Ends the connection without ending the body, so that the client sees that the answer is not whole.
  void abort() { failed_ = true; }
  /// Forgets an answer of which nothing was sent.
  void reset();
  /// The client gets, or got, all of it.
  [[nodiscard]] bool whole() const { return !failed_; }
  [[nodiscard]] bool keep_alive() const { return settings_.keep_alive && !failed_; }
  [[nodiscard]] int status() const { return status_; }

 private:
  [[nodiscard]] std::string make_head(bool whole);
  void send_chunk(std::string_view piece, std::string_view ending);
  void send(std::initializer_list<std::string_view> pieces);

  Exchange& exchange_;
  Settings settings_;
  int status_ = 0;
  Headers headers_;
  std::string body_;  ///< kept back, less than a chunk
  bool cut_ = false;  ///< of a body that nobody wants, the rest was not kept
  bool head_sent_ = false;
  bool failed_ = false;
};

}  // namespace tpx::http
