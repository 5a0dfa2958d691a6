// retire_on_exit on the running kernel: what short-lived processes and threads counted, scrape by scrape.

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "catch.h"
#include "config/config.h"
#include "expose/metric_service.h"
#include "kernel/kernel.h"
#include "plan/planner.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"

using namespace tpx;
using namespace tpx::test;

namespace {

constexpr char kName[] = "calls_total";
/// The children's comm, so that nobody else's calls count.
constexpr char kComm[] = "tpx-retire";

constexpr std::chrono::seconds kPatience(120);

/// How the metric is served.
struct Variant {
  std::string name;
  std::optional<plan::AttachType> attach;
  std::optional<plan::StoreKind> store;
  bool fetch_atomics = true;
};

const std::array<Variant, 4> kVariants{{
    {"as planned", {}, {}},
    {"classic tracepoints", plan::AttachType::Classic, {}},
    {"per-CPU hash", {}, plan::StoreKind::PerCpuHash},
    {"without fetching atomics", {}, {}, false},
}};

double exited(const Exposition& page) {
  return page.sum(kName, {{"id", "exited"}});
}

/// A service of one metric: getppid calls of processes named kComm.
class Service {
 public:
  Service(const std::string& id, std::uint32_t max_series, const Variant& variant = kVariants[0],
          const std::string& comm = kComm) {
    const config::Loaded loaded = config::parse(
        "test.yaml",
        "namespace: ''\nmetrics:\n  - name: calls_total\n    tracepoint: syscalls/sys_enter_getppid\n    filter: comm "
        "== \"" +
            comm + "\"\n    labels: {id: " + id +
            ", comm: comm}\n    retire_on_exit: id\n    max_series: " + std::to_string(max_series) + "\n");
    REQUIRE(loaded.errors.empty());
    auto kernel = kernel::running_kernel({});
    REQUIRE(kernel);
    kernel->features.fetch_atomics = kernel->features.fetch_atomics && variant.fetch_atomics;
    plan::Options options;
    options.force_attach = variant.attach;
    options.force_store = variant.store;
    plan::Plan plan = plan::make_plan(loaded.config, *kernel, options);
    REQUIRE(plan.rejected.empty());
    REQUIRE(plan.exits);
    auto service = expose::MetricService::make(loader::load(std::move(plan), kernel->features), {},
                                               decode::with_shared({}), kernel->features);
    REQUIRE(service);
    REQUIRE((*service)->served() == 1);
    service_ = std::move(*service);
  }

  Exposition scrape() {
    CollectingSink sink;
    expose::TextWriter writer(sink, expose::TextFormat::Prometheus);
    service_->scrape(writer);
    REQUIRE(writer.finish());
    auto page = parse_exposition(sink.text);
    REQUIRE(page);
    return *page;
  }

  /// Scrapes until `enough` says so, watching that the sum never falls. False when that takes half a minute.
  bool scrape_until(const std::function<bool(const Exposition&)>& enough) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const Exposition page = scrape();
      const double sum = page.sum(kName);
      if (sum < seen_) {
        FAIL("the sum fell from " << seen_ << " to " << sum);
      }
      seen_ = sum;
      most_ = std::max(most_, page.find(kName) != nullptr ? page.find(kName)->samples.size() : 0);
      if (enough(page)) {
        return true;
      }
      if (std::chrono::steady_clock::now() > deadline) {
        WARN("sum " << sum << ", exited " << exited(page) << ", series " << page.find(kName)->samples.size()
                    << ", other " << page.sum(kName, {{"id", "other"}}));
        return false;
      }
    }
  }

  [[nodiscard]] std::size_t most_series() const { return most_; }
  expose::MetricService& operator*() { return *service_; }

 private:
  std::unique_ptr<expose::MetricService> service_;
  double seen_ = 0;
  std::size_t most_ = 0;
};

bool has(const Exposition& page, pid_t id) {
  return page.sum(kName, {{"id", std::to_string(id)}}) > 0;
}

/// A pipe that processes wait on until the test writes or closes it.
class Gate {
 public:
  Gate() { REQUIRE(::pipe(ends_.data()) == 0); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() {
    ::close(ends_[0]);
    close();
  }
  /// In the child: true for each let_one(), false once closed.
  [[nodiscard]] bool wait() const {
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 1;
  }
  void close() {
    if (ends_[1] >= 0) {
      ::close(std::exchange(ends_[1], -1));
    }
  }
  void let_one() const { REQUIRE(::write(ends_[1], "", 1) == 1); }

 private:
  std::array<int, 2> ends_{};
};

void call(long times) {
  for (long i = 0; i < times; ++i) {
    ::syscall(SYS_getppid);
  }
}

[[noreturn]] void become(const std::function<void()>& work) {
  ::prctl(PR_SET_NAME, kComm);
  work();
  ::_exit(0);
}

/// A child that runs `work`, with this id unless 0. Async-signal-safe work only.
pid_t start(const std::function<void()>& work, pid_t id = 0) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  if (id != 0) {
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&id);
    arguments.set_tid_size = 1;
  }
  const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (child == 0) {
    become(work);
  }
  return child;
}

void reap(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
}

/// Forks `children` one after the other, each of which calls once and exits.
void churn(long children) {
  for (long i = 0; i < children; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      call(1);
      ::_exit(0);
    }
    if (child < 0 || ::waitpid(child, nullptr, 0) != child) {
      ::_exit(1);
    }
  }
}

void churn_on_two_cpus(Service& service, long children) {
  const std::array<pid_t, 2> spawners{start([&] { churn(children / 2); }), start([&] { churn(children / 2); })};
  const bool counted =
      service.scrape_until([&](const Exposition& page) { return page.sum(kName) == double(children); });
  for (const pid_t spawner : spawners) {
    REQUIRE(spawner > 0);
    reap(spawner);
  }
  REQUIRE(counted);
  const bool all = service.scrape_until([&](const Exposition& page) { return exited(page) == double(children); });
  REQUIRE(all);
}

}  // namespace

TEST_CASE("six thousand short processes leave one series and an exact sum, which never falls") {
  Service service("pid", 4096);
  churn_on_two_cpus(service, 6000);
  const Exposition page = service.scrape();
  REQUIRE(page.sum(kName) == 6000);
  REQUIRE(page.find(kName)->samples.size() == 1);
  REQUIRE(page.value(kName, {{"id", "exited"}, {"comm", kComm}}) == 6000);
  REQUIRE(service.most_series() < 4096);
  const expose::ExporterStatus status = (*service).status(expose::MetricService::Detail::Counts);
  REQUIRE(status.metrics.front().series == 1);
  REQUIRE(status.metrics.front().events_total == 6000);
  REQUIRE(status.metrics.front().other == 0);
}

TEST_CASE("series end in every store and with every way to attach") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 2048, variant);
    churn_on_two_cpus(service, 2000);
    REQUIRE(service.scrape().sum(kName) == 2000);
  }
}

TEST_CASE("more processes at once than series fit are counted as `other`, and the room comes back") {
  Service service("pid", 16);
  Gate gate;
  std::vector<pid_t> children;
  for (int i = 0; i < 64; ++i) {
    children.push_back(start([&] {
      call(1);
      static_cast<void>(gate.wait());
    }));
  }
  REQUIRE(service.scrape_until([](const Exposition& page) { return page.sum(kName) == 64; }));
  REQUIRE(service.scrape().sum(kName, {{"id", "other"}}) == 48);
  for (std::size_t i = 0; i < children.size(); ++i) {
    gate.let_one();
  }
  for (const pid_t child : children) {
    reap(child);
  }
  REQUIRE(service.scrape_until([](const Exposition& page) { return exited(page) == 16; }));
  const pid_t late = start([&] {
    call(5);
    static_cast<void>(gate.wait());
  });
  REQUIRE(service.scrape_until([&](const Exposition& page) { return page.sum(kName) == 69; }));
  REQUIRE(service.scrape().value(kName, {{"id", std::to_string(late)}, {"comm", kComm}}) == 5);
  gate.close();
  reap(late);
}

TEST_CASE("a series is there for one scrape after its process, and goes with it") {
  Service service("pid", 64);
  const pid_t child = start([] { call(7); });
  reap(child);
  // Nobody has scraped yet: however long ago it ended, it shows.
  REQUIRE(service.scrape().value(kName, {{"id", std::to_string(child)}, {"comm", kComm}}) == 7);
  REQUIRE(service.scrape_until([&](const Exposition& page) { return exited(page) == 7; }));
  REQUIRE_FALSE(has(service.scrape(), child));
}

TEST_CASE("an id that is in use again begins a new series, and no event is lost between the two") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 64, variant);
    const pid_t first = start([] { call(3); });
    reap(first);
    Gate gate;
    const pid_t second = start(
        [&] {
          while (gate.wait()) {
            call(1);
          }
        },
        first);
    if (second < 0) {
      continue;  // somebody else was given the id
    }
    REQUIRE(second == first);
    double calls = 3;
    // Called while the series of the first is shown, marked and taken out.
    const bool gone = service.scrape_until([&](const Exposition&) {
      gate.let_one();
      ++calls;
      return exited(service.scrape()) >= 3;
    });
    REQUIRE(gone);
    gate.let_one();
    ++calls;
    REQUIRE(
        service.scrape_until([&](const Exposition& page) { return page.sum(kName) == calls && has(page, second); }));
    gate.close();
    reap(second);
    REQUIRE(service.scrape_until([&](const Exposition& page) { return exited(page) == calls; }));
  }
}

TEST_CASE("a thread's series ends with the thread, its process' with the last thread") {
  Service threads("tid", 64);
  Service processes("pid", 64);
  Gate gate;
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    become([&] {
      std::thread([] { call(2); }).join();
      static_cast<void>(!::write(ready[1], "", 1));
      static_cast<void>(gate.wait());
    });
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(threads.scrape_until([](const Exposition& page) { return exited(page) == 2; }));
  // The thread's end has been seen: the process' series stays all the same.
  REQUIRE(processes.scrape_until([&](const Exposition& page) { return has(page, child); }));
  processes.scrape();
  REQUIRE(processes.scrape().value(kName, {{"id", std::to_string(child)}, {"comm", kComm}}) == 2);
  gate.let_one();
  reap(child);
  REQUIRE(processes.scrape_until([](const Exposition& page) { return exited(page) == 2; }));
  ::close(ready[0]);
  ::close(ready[1]);
}
