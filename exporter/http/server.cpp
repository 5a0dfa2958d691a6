#include "http/server.h"

#include <civetweb.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <mutex>
#include <utility>

#include "http/access.h"
#include "http/dispatcher.h"
#include "http/exchange.h"
#include "http/gateway.h"
#include "http/internal_request.h"
#include "http/listen_address.h"
#include "http/response.h"

namespace tpx::http {
namespace {

/// For the first request through civetweb's threads to be answered.
constexpr std::chrono::milliseconds kThreadsTimeout{5000};

/// How many clients there may be: half of the descriptors that are free now, as a reload needs some too.
std::size_t clients_by_descriptors() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::numeric_limits<std::size_t>::max();
  }
  std::error_code error;
  std::size_t used = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++used;
  }
  constexpr std::size_t kLeast = 8;
  return std::max(kLeast, limit.rlim_cur > used ? (limit.rlim_cur - used) / 2 : 0);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(ServerOptions options, std::vector<Route> routes, std::shared_ptr<WebAccess> access)
      : options_(std::move(options)),
        dispatcher_(std::move(routes), options_.failed_login_delay, options_.log),
        access_(std::move(access)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  Result<void> start();
  void stop();
  [[nodiscard]] const std::vector<BoundAddress>& addresses() const { return addresses_; }
  [[nodiscard]] bool uses_tls() const { return access_->current()->tls != nullptr; }

 private:
  Result<void> listen_everywhere();
  Result<void> listen_any(const ListenAddress& address);
  Result<std::uint16_t> listen(const SocketAddress& address, const std::string& text);
  Result<std::uint16_t> add(UniqueFd listener, const std::string& text);
  Result<void> start_civetweb();
  Result<void> check_threads();
  Result<void> start_gateway();

  static int on_request(mg_connection* connection);
  static int on_error(mg_connection* connection, int status, const char* message);
  static int on_log(const mg_connection* connection, const char* message);
  static void on_closed(const mg_connection* connection);
  static Impl& self(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }

  int serve(mg_connection* connection);
  void answer(Exchange& exchange);

  const ServerOptions options_;
  Dispatcher dispatcher_;
  const std::shared_ptr<WebAccess> access_;
  const std::shared_ptr<Exchanges> exchanges_ = std::make_shared<Exchanges>();
  std::vector<UniqueFd> listeners_;
  std::vector<BoundAddress> addresses_;
  std::uint16_t internal_port_ = 0;
  std::atomic<bool> ready_ = false;  ///< civetweb has started
  std::mutex log_mutex_;
  std::string start_log_;
  std::mutex stop_mutex_;
  mg_context* context_ = nullptr;
  std::unique_ptr<Gateway> gateway_;
};

// ---- starting

Result<void> HttpServer::Impl::start() {
  if (auto done = listen_everywhere(); !done) {
    return done;
  }
  if (auto done = start_civetweb(); !done) {
    return done;
  }
  if (auto done = check_threads(); !done) {
    return done;
  }
  return start_gateway();
}

Result<void> HttpServer::Impl::listen_everywhere() {
  for (UniqueFd& socket : *options_.sockets) {
    if (auto added = add(std::move(socket), "a socket of the service manager"); !added) {
      return fail(std::move(added.error()));
    }
  }
  if (!listeners_.empty()) {
    return {};
  }
  if (options_.addresses.empty()) {
    return fail("no address to listen on", "give one with --web.listen-address");
  }
  for (const std::string& text : options_.addresses) {
    const auto address = parse_listen_address(text);
    if (!address) {
      return fail(address.error());
    }
    if (address->any) {
      if (auto done = listen_any(*address); !done) {
        return done;
      }
    } else if (auto done = listen(address->address, text); !done) {
      return fail(std::move(done).error());
    }
  }
  return {};
}

/// Both families on one port. Where IPv6 is off, IPv4 alone.
Result<void> HttpServer::Impl::listen_any(const ListenAddress& address) {
  const auto port = listen(address.address, address.text);
  if (!port) {
    return fail(port.error());
  }
  const auto done = listen(any_address(AF_INET6, *port), address.text);
  if (done) {
    return {};
  }
  // The port was free on IPv4 and is not on IPv6: another process has it.
  if (done.error().os_error == EADDRINUSE && address.address.port() != 0) {
    return fail(done.error());
  }
  if (options_.log) {
    options_.log->debug("no IPv6 on {}: {}", address.text, done.error().message);
  }
  return {};
}

Result<std::uint16_t> HttpServer::Impl::listen(const SocketAddress& address, const std::string& text) {
  auto listener = listen_on(address, false, text);
  if (!listener) {
    return fail(std::move(listener).error());
  }
  return add(std::move(*listener), text);
}

Result<std::uint16_t> HttpServer::Impl::add(UniqueFd listener, const std::string& text) {
  const auto bound = bound_address(listener.get());
  if (!bound) {
    return fail(bound.error());
  }
  addresses_.push_back({text, bound->text(), bound->port()});
  listeners_.push_back(std::move(listener));
  return bound->port();
}

Result<void> HttpServer::Impl::start_civetweb() {
  mg_callbacks callbacks = {};
  callbacks.begin_request = &on_request;
  callbacks.http_error = &on_error;
  callbacks.log_message = &on_log;

  const auto milliseconds = [](std::chrono::milliseconds time) { return std::to_string(time.count()); };
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"listening_ports", "127.0.0.1:0"},
      {"num_threads", std::to_string(options_.workers)},
      {"request_timeout_ms", milliseconds(options_.request_timeout)},
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
  mg_server_port port = {};
  if (::mg_get_server_ports(context_, 1, &port) == 1) {
    internal_port_ = static_cast<std::uint16_t>(port.port);
  }
  ready_.store(true);
  return {};
}

/// civetweb says nothing when its accepting thread could not be made: the server would listen and never answer.
Result<void> HttpServer::Impl::check_threads() {
  auto surroundings = std::make_shared<Exchange::Surroundings>();
  surroundings->statistics = std::make_shared<HttpStatistics>();
  surroundings->ready = std::make_shared<ReadyConnections>(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  auto exchange = std::make_shared<Exchange>(RequestHead{}, random_token().value_or(""), false, surroundings);
  const auto deadline = std::chrono::steady_clock::now() + kThreadsTimeout;
  if (auto request = InternalRequest::open(internal_port_, exchange, exchanges_)) {
    while (request->advance() && std::chrono::steady_clock::now() < deadline) {
      const auto events = static_cast<short>(request->unsent() ? POLLOUT : POLLIN);
      pollfd polled = {request->descriptor(), events, 0};
      (void)::poll(&polled, 1, 100);
    }
  }
  if (exchange->claimed()) {
    return {};
  }
  context_ = nullptr;  // mg_stop() would wait for the thread that is not there; the process ends anyway
  return fail("the HTTP server's threads can't be started",
              "raise the limit of threads: TasksMax= of systemd, pids.max, ulimit -u");
}

Result<void> HttpServer::Impl::start_gateway() {
  Gateway::Options options;
  options.upstream_port = internal_port_;
  options.max_connections = std::min(options_.max_connections, clients_by_descriptors());
  options.max_active = options_.workers;
  options.max_scrapes = options_.max_scrapes;
  options.max_requests = options_.max_requests;
  options.max_head = options_.max_request_bytes;
  options.request_timeout = options_.request_timeout;
  options.keep_alive_timeout = options_.keep_alive_timeout;
  options.response_timeout = options_.response_timeout;
  options.limits.all_answers = options_.answer_memory;
  options.is_scrape = [this](const Request& request) { return dispatcher_.is_scrape(request); };
  options.exchanges = exchanges_;
  options.statistics = options_.statistics;
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
  if (gateway_ != nullptr) {
    gateway_->close();
  }
  if (context_ != nullptr) {
    ::mg_stop(context_);
    context_ = nullptr;
  }
  gateway_.reset();
}

// ---- serving

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

int HttpServer::Impl::on_error(mg_connection* connection, int, const char*) {
  ::mg_disable_connection_keep_alive(connection);  // nothing is said: no client reads it
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

int HttpServer::Impl::serve(mg_connection* connection) {
  ::mg_disable_connection_keep_alive(connection);
  const auto exchange = exchanges_->find(static_cast<std::uint16_t>(::mg_get_request_info(connection)->remote_port));
  const char* token = ::mg_get_header(connection, kTokenHeader);
  const bool admitted = exchange != nullptr && token != nullptr && !exchange->token().empty() &&
                        exchange->token() == token && exchange->claim();
  if (!admitted) {
    return 403;
  }
  if (exchange->head().request.method.empty()) {  // check_threads()
    exchange->finish(true, false);
    return 200;
  }
  try {
    answer(*exchange);
  } catch (...) {
    exchange->finish(false, false);
    throw;
  }
  return 200;
}

void HttpServer::Impl::answer(Exchange& exchange) {
  const Request& request = exchange.head().request;
  const std::shared_ptr<const WebPolicy> policy = access_->current();
  HttpResponse::Settings settings;
  settings.head = request.method == "HEAD";
  settings.http10 = exchange.head().http10;
  settings.extra = policy->headers;
  settings.keep_alive = exchange.head().keep_alive;
  HttpResponse response(exchange, std::move(settings));
  dispatcher_.answer(request, response, *policy);
  response.finish();
  options_.statistics->answered(response.status());
  exchange.finish(response.whole(), response.keep_alive());
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

}  // namespace tpx::http
