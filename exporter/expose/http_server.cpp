#include "expose/http_server.h"

#include <civetweb.h>
#include <spdlog/logger.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <new>

#include "base/text.h"
#include "expose/dispatcher.h"
#include "expose/gateway.h"
#include "expose/http_response.h"
#include "expose/listen_address.h"
#include "expose/web_config.h"

namespace tpx::expose {
namespace {

constexpr long long kMaxBody = 65536;

/// What a civetweb connection holds: see Request::connection.
using ConnectionMark = std::shared_ptr<const void>;

bool wants_keep_alive(const Request& request, bool http10) {
  const std::string* header = request.header("Connection");
  if (header == nullptr) {
    return !http10;
  }
  for (const std::string_view option : split(*header, ',')) {
    const std::string_view name = trim(option);
    if (name.size() == 10 && ::strncasecmp(name.data(), "keep-alive", name.size()) == 0) {
      return true;
    }
  }
  return false;
}

Request make_request(const mg_request_info& info) {
  Request request;
  request.method = info.request_method;
  request.path = info.local_uri == nullptr ? "" : info.local_uri;
  request.query = info.query_string == nullptr ? "" : info.query_string;
  request.remote = std::string(info.remote_addr) + ":" + std::to_string(info.remote_port);
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  return request;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(ServerOptions options, std::vector<Route> routes, std::shared_ptr<WebAccess> access)
      : options_(std::move(options)),
        dispatcher_(std::move(routes), options_.max_scrapes, options_.log),
        access_(std::move(access)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  Result<void> start();
  void stop();
  [[nodiscard]] const std::vector<BoundAddress>& addresses() const { return addresses_; }
  [[nodiscard]] bool uses_tls() const { return access_->current()->tls != nullptr; }

 private:
  /// A `:PORT` whose IPv6 half waits for the IPv4 half's port.
  struct Pending {
    std::string text;
    std::uint16_t port;
    std::size_t direct;  ///< index in direct_
  };
  struct Direct {
    std::string text;
    SocketAddress address;
  };

  Result<void> plan_addresses();
  Result<void> plan_address(const ListenAddress& listen);
  Result<void> start_civetweb();
  Result<void> start_gateway();
  Result<void> listen_gateway(const SocketAddress& address, bool dual_stack, const std::string& text);
  void read_ports();

  static int on_request(mg_connection* connection);
  static int on_error(mg_connection* connection, int status, const char* message);
  static int on_log(const mg_connection* connection, const char* message);
  static int on_open(const mg_connection* connection, void** data);
  static void on_closed(const mg_connection* connection);
  static Impl& self(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }

  int serve(mg_connection* connection);
  [[nodiscard]] bool take_body(mg_connection* connection, const mg_request_info& info) const;
  void knock() const;

  const ServerOptions options_;
  Dispatcher dispatcher_;
  const std::shared_ptr<WebAccess> access_;
  const std::shared_ptr<GatewayPeers> peers_ = std::make_shared<GatewayPeers>();
  std::vector<Direct> direct_;  ///< what civetweb listens on itself
  std::vector<Pending> pending_;
  std::vector<UniqueFd> listeners_;  ///< what the gateway will
  std::vector<BoundAddress> addresses_;
  std::uint16_t internal_port_ = 0;
  std::atomic<bool> ready_ = false;  ///< the ports are known
  std::atomic<std::size_t> connections_ = 0;
  std::mutex log_mutex_;
  std::string start_log_;
  std::mutex stop_mutex_;
  mg_context* context_ = nullptr;
  std::unique_ptr<Gateway> gateway_;
};

// ---- starting

Result<void> HttpServer::Impl::start() {
  if (auto done = plan_addresses(); !done) {
    return done;
  }
  if (auto done = start_civetweb(); !done) {
    return done;
  }
  return start_gateway();
}

Result<void> HttpServer::Impl::plan_addresses() {
  if (options_.addresses.empty()) {
    return fail("no address to listen on", "give one with --web.listen-address");
  }
  for (const std::string& text : options_.addresses) {
    const auto listen = parse_listen_address(text);
    if (!listen) {
      return fail(listen.error());
    }
    if (auto done = plan_address(*listen); !done) {
      return done;
    }
  }
  return {};
}

Result<void> HttpServer::Impl::plan_address(const ListenAddress& listen) {
  const std::uint16_t port = listen.address.port();
  if (uses_tls() && listen.any) {
    auto both = listen_gateway(any_address(AF_INET6, port), true, listen.text);
    if (both || both.error().os_error == EADDRINUSE) {
      return both;
    }
    return listen_gateway(listen.address, false, listen.text);  // IPv6 is off
  }
  if (uses_tls() || listen.address.family() == AF_INET6) {
    return listen_gateway(listen.address, false, listen.text);
  }
  // civetweb only logs that it can't bind: trying first gives the reason.
  if (const auto probe = listen_on(listen.address, false, listen.text); !probe) {
    return fail(probe.error());
  }
  if (listen.any) {
    pending_.push_back({listen.text, port, direct_.size()});
  }
  direct_.push_back({listen.text, listen.address});
  return {};
}

Result<void> HttpServer::Impl::listen_gateway(const SocketAddress& address, bool dual_stack, const std::string& text) {
  auto listener = listen_on(address, dual_stack, text);
  if (!listener) {
    return fail(std::move(listener).error());
  }
  const auto bound = bound_address(listener->get());
  if (!bound) {
    return fail(bound.error());
  }
  addresses_.push_back({text, bound->text(), bound->port()});
  listeners_.push_back(std::move(*listener));
  return {};
}

Result<void> HttpServer::Impl::start_civetweb() {
  mg_callbacks callbacks = {};
  callbacks.begin_request = &on_request;
  callbacks.http_error = &on_error;
  callbacks.log_message = &on_log;
  callbacks.init_connection = &on_open;
  callbacks.connection_closed = &on_closed;

  std::string ports = "127.0.0.1:0";  // the gateway's way in, always the first
  for (const Direct& direct : direct_) {
    ports += "," + direct.address.text();
  }
  const auto milliseconds = [](std::chrono::milliseconds time) { return std::to_string(time.count()); };
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"listening_ports", ports},
      {"num_threads", std::to_string(options_.workers)},
      {"max_request_size", std::to_string(options_.max_request_bytes)},
      {"request_timeout_ms", milliseconds(options_.request_timeout)},
      {"enable_keep_alive", "yes"},
      {"keep_alive_timeout_ms", milliseconds(options_.keep_alive_timeout)},
      {"tcp_nodelay", "1"},
      {"enable_directory_listing", "no"}};
  std::vector<const char*> raw;
  for (const auto& [name, value] : settings) {
    raw.push_back(name.c_str());
    raw.push_back(value.c_str());
  }
  raw.push_back(nullptr);
  context_ = ::mg_start(&callbacks, this, raw.data());
  if (context_ == nullptr) {
    const std::scoped_lock lock(log_mutex_);
    return fail("the HTTP server can't start: " + (start_log_.empty() ? "no reason given" : start_log_));
  }
  read_ports();
  return {};
}

void HttpServer::Impl::read_ports() {
  std::vector<mg_server_port> ports(direct_.size() + 1);
  const int count = ::mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
  for (int i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(ports[static_cast<std::size_t>(i)].port);
    if (i == 0) {
      internal_port_ = port;
      continue;
    }
    Direct& direct = direct_[static_cast<std::size_t>(i) - 1];
    direct.address.set_port(port);
    addresses_.push_back({direct.text, direct.address.text(), port});
  }
  ready_.store(true);
  ready_.notify_all();
}

Result<void> HttpServer::Impl::start_gateway() {
  for (const Pending& pending : pending_) {
    const std::uint16_t port = direct_[pending.direct].address.port();
    const auto done = listen_gateway(any_address(AF_INET6, port), false, pending.text);
    if (done) {
      continue;
    }
    // The port was free on IPv4 and is not on IPv6: another process has it. Anything else: IPv6 is off here.
    if (done.error().os_error == EADDRINUSE && pending.port != 0) {
      return fail(done.error());
    }
    if (options_.log) {
      options_.log->debug("no IPv6 on {}: {}", pending.text, done.error().message);
    }
  }
  if (listeners_.empty()) {
    return {};
  }
  Gateway::Options options;
  options.upstream_port = internal_port_;
  options.max_connections = options_.workers * 4;
  options.timeout = options_.request_timeout;
  options.peers = peers_;
  if (uses_tls()) {
    options.tls = [access = access_] { return access->current()->tls; };
  }
  auto gateway = Gateway::start(std::move(options), std::move(listeners_));
  if (!gateway) {
    return fail(std::move(gateway).error());
  }
  gateway_ = std::move(*gateway);
  return {};
}

// ---- stopping

void HttpServer::Impl::stop() {
  const std::scoped_lock lock(stop_mutex_);
  gateway_.reset();
  if (context_ == nullptr) {
    return;
  }
  // mg_stop() waits for a thread that looks up every 2 s, or when a connection comes.
  auto stopped = std::async(std::launch::async, [context = context_] { ::mg_stop(context); });
  while (stopped.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    knock();
  }
  context_ = nullptr;
}

void HttpServer::Impl::knock() const {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress there = any_address(AF_INET, internal_port_);
  static_cast<sockaddr_in*>(static_cast<void*>(&there.storage))->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)::connect(socket.get(), there.raw(), there.length);
}

// ---- serving

// The gateway opens one connection for each of its clients' and closes it with that: here they are the same.
int HttpServer::Impl::on_open(const mg_connection* connection, void** data) {
  *data = new (std::nothrow) ConnectionMark(std::make_shared<char>());
  self(connection).connections_.fetch_add(1);
  return 0;
}

void HttpServer::Impl::on_closed(const mg_connection* connection) {
  delete static_cast<ConnectionMark*>(::mg_get_user_connection_data(connection));
  ::mg_set_user_connection_data(connection, nullptr);
  self(connection).connections_.fetch_sub(1);
}

int HttpServer::Impl::on_log(const mg_connection* connection, const char* message) {
  if (connection == nullptr || ::mg_get_context(connection) == nullptr) {
    return 1;
  }
  Impl& impl = self(connection);
  if (!impl.ready_.load()) {
    const std::scoped_lock lock(impl.log_mutex_);
    impl.start_log_ += (impl.start_log_.empty() ? "" : "; ") + std::string(message);
  } else if (impl.options_.log) {
    impl.options_.log->debug("http: {}", message);
  }
  return 1;
}

int HttpServer::Impl::on_error(mg_connection* connection, int status, const char* message) {
  const std::string body = std::to_string(status) + " " + std::string(status_text(status)) + ": " + message + "\n";
  const std::string answer = "HTTP/1.1 " + std::to_string(status) + " " + std::string(status_text(status)) +
                             "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body;
  ::mg_disable_connection_keep_alive(connection);
  (void)::mg_write(connection, answer.data(), answer.size());
  return 0;
}

int HttpServer::Impl::on_request(mg_connection* connection) {
  Impl& impl = self(connection);
  try {
    return impl.serve(connection);
  } catch (const std::exception& error) {  // out of memory, most likely: nothing may reach the C library
    ::mg_disable_connection_keep_alive(connection);
    if (impl.options_.log) {
      impl.options_.log->error("http: {}", error.what());
    }
    return 500;
  }
}

bool HttpServer::Impl::take_body(mg_connection* connection, const mg_request_info& info) const {
  const char* encoding = ::mg_get_header(connection, "Transfer-Encoding");
  if (encoding != nullptr || info.content_length > kMaxBody) {
    return false;
  }
  std::array<char, 4096> bytes{};
  for (long long left = info.content_length; left > 0;) {
    const int count = ::mg_read(connection, bytes.data(), bytes.size());
    if (count <= 0) {
      return false;
    }
    left -= count;
  }
  return true;
}

int HttpServer::Impl::serve(mg_connection* connection) {
  ready_.wait(false);
  const mg_request_info& info = *::mg_get_request_info(connection);
  Request request = make_request(info);
  if (const auto* mark = static_cast<const ConnectionMark*>(::mg_get_user_connection_data(connection))) {
    request.connection = *mark;
  }
  const bool http10 = std::strcmp(info.http_version, "1.0") == 0;
  bool welcome = true;
  if (info.server_port == internal_port_) {
    const auto client = peers_->find(static_cast<std::uint16_t>(info.remote_port));
    welcome = client.has_value();
    request.remote = client.value_or(request.remote);
    request.tls = uses_tls();
  }
  const std::shared_ptr<const WebPolicy> policy = access_->current();
  const bool body_taken = welcome && take_body(connection, info);

  HttpResponse::Settings settings;
  settings.head = request.method == "HEAD";
  settings.http10 = http10;
  settings.extra = policy->headers;
  settings.timeout = options_.response_timeout;
  // An idle connection holds a worker: while many are in use, none may idle.
  settings.keep_alive = body_taken && connections_.load() <= options_.workers / 2 && wants_keep_alive(request, http10);
  HttpResponse response(connection, std::move(settings));
  if (!welcome) {
    response.send_text(403, "Forbidden\n");
  } else if (!body_taken) {
    response.send_text(413, "The request's body is too large, chunked or incomplete.\n");
  } else {
    dispatcher_.answer(request, response, *policy);
  }
  response.finish();
  if (!response.keep_alive()) {
    ::mg_disable_connection_keep_alive(connection);
  }
  return response.status();
}

// ---- the class itself

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, std::vector<Route> routes) {
  auto access = WebAccess::open(options.web_config_file, options.log);
  if (!access) {
    return fail(std::move(access).error());
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes), std::move(*access));
  if (auto started = impl->start(); !started) {
    return fail(std::move(started).error());
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::stop() {
  impl_->stop();
}
const std::vector<BoundAddress>& HttpServer::addresses() const {
  return impl_->addresses();
}
bool HttpServer::uses_tls() const {
  return impl_->uses_tls();
}

}  // namespace tpx::expose
