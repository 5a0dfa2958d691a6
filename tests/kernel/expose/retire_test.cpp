// retire_on_exit on the running kernel: what short-lived processes and threads counted, scrape by scrape.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "config/config.h"
#include "expose/metric_service.h"
#include "kernel/kernel.h"
#include "kernel/support/children.h"
#include "plan/planner.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"

namespace tpx::test {
namespace {

constexpr char kName[] = "calls_total";

/// Without any change until a test gives up on what must happen at some time.
constexpr std::chrono::seconds kPatience(120);

/// How the metric is served.
struct Variant {
  std::string name;
  std::optional<plan::AttachType> attach = std::nullopt;
  std::optional<plan::StoreKind> store = std::nullopt;
  bool fetch_atomics = true;
};

const std::array<Variant, 4> kVariants{{
    {"as planned"},
    {"classic tracepoints", plan::AttachType::Classic},
    {"per-CPU hash", std::nullopt, plan::StoreKind::PerCpuHash},
    {"without fetching atomics", std::nullopt, std::nullopt, false},
}};

double exited(const Exposition& page) {
  return page.sum(kName, {{"id", "exited"}});
}

double other(const Exposition& page) {
  return page.sum(kName, {{"id", "other"}});
}

std::size_t series(const Exposition& page) {
  const Family* family = page.find(kName);
  return family != nullptr ? family->samples.size() : 0;
}

double calls_of(const Exposition& page, pid_t id) {
  return page.sum(kName, {{"id", std::to_string(id)}});
}

std::string configuration(const std::string& id, std::uint32_t max_series, const std::string& help) {
  return "namespace: ''\nmetrics:\n  - name: calls_total\n    help: " + help +
         "\n    tracepoint: syscalls/sys_enter_getppid\n    filter: comm == \"" + child_comm() +
         "\"\n    labels: {id: " + id +
         ", comm: comm}\n    retire_on_exit: id\n    max_series: " + std::to_string(max_series) + "\n";
}

/// A service of one metric: getppid calls of processes named child_comm(), by `id`.
class Service {
 public:
  Service(const std::string& id, std::uint32_t max_series, const Variant& variant = kVariants[0],
          const std::string& help = "Calls.") {
    const config::Loaded loaded = config::parse("test.yaml", configuration(id, max_series, help));
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

  /// One scrape; the sum must not have fallen.
  Exposition scrape() {
    CollectingSink sink;
    scrape_into(sink);
    auto page = parse_exposition(sink.text);
    if (!page) {
      FAIL(page.error().message);
    }
    const double sum = page->sum(kName);
    if (sum < seen_) {
      FAIL("the sum fell from " << seen_ << " to " << sum);
    }
    seen_ = sum;
    most_ = std::max(most_, series(*page));
    return std::move(*page);
  }

  void scrape_into(CollectingSink& sink) {
    expose::TextWriter writer(sink, expose::TextFormat::Prometheus);
    service_->scrape(writer);
    static_cast<void>(writer.finish());
  }

  /// Scrapes without a pause until `enough` says so. False when nothing changes any more.
  bool scrape_until(const std::function<bool(const Exposition&)>& enough) {
    auto changed = std::chrono::steady_clock::now();
    double before = -1;
    for (;;) {
      const Exposition page = scrape();
      if (enough(page)) {
        return true;
      }
      // Both only grow.
      if (const double now = page.sum(kName) + exited(page); now != before) {
        before = now;
        changed = std::chrono::steady_clock::now();
      }
      if (std::chrono::steady_clock::now() > changed + kPatience) {
        WARN("sum " << page.sum(kName) << ", exited " << exited(page) << ", series " << series(page) << ", other "
                    << other(page));
        return false;
      }
    }
  }
  bool scrape_until_exited(double calls) {
    return scrape_until([&](const Exposition& page) { return exited(page) == calls; });
  }

  /// The most series that one scrape had.
  [[nodiscard]] std::size_t most_series() const { return most_; }
  expose::MetricStatus status() { return service_->status(expose::MetricService::Detail::Totals).metrics.front(); }

 private:
  std::unique_ptr<expose::MetricService> service_;
  double seen_ = 0;
  std::size_t most_ = 0;
};

/// Lets `children` processes live and die, scraping all the time, until all that they counted is in one series (or was
/// more than fitted).
void churn_on_two_cpus(Service& service, long children) {
  const std::array<pid_t, 2> spawners{start_child([&] { churn(children / 2); }),
                                      start_child([&] { churn(children / 2); })};
  const bool counted =
      service.scrape_until([&](const Exposition& page) { return page.sum(kName) == double(children); });
  for (const pid_t spawner : spawners) {
    REQUIRE(spawner > 0);
    reap(spawner);
  }
  REQUIRE(counted);
  REQUIRE(service.scrape_until(
      [&](const Exposition& page) { return exited(page) > 0 && exited(page) + other(page) == double(children); }));
  const Exposition page = service.scrape();
  CHECK(page.sum(kName) == double(children));
  CHECK(series(page) == (other(page) > 0 ? 2 : 1));
}

long churn_size() {
  const char* size = std::getenv("TPX_CHURN");
  return size != nullptr ? std::atol(size) : 6000;
}

TEST_CASE("short processes leave one series and an exact sum that never falls", "[kernel][retire]") {
  constexpr std::uint32_t kLimit = 4096;
  Service service("pid", kLimit);
  const long children = churn_size();
  churn_on_two_cpus(service, children);
  CHECK(service.most_series() <= kLimit + 2);
  const expose::MetricStatus status = service.status();
  CHECK(status.series == 1);
  CHECK(status.events_total == double(children));
}

TEST_CASE("series end in every store and with every way to attach", "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 512, variant);
    churn_on_two_cpus(service, 1000);
    CHECK(service.most_series() <= 512 + 2);
  }
}

TEST_CASE("the room of ended series comes back for those that would be `other`", "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 16, variant);
    Gate gate;
    std::vector<pid_t> children;
    for (int i = 0; i < 64; ++i) {
      children.push_back(start_child([&] {
        call_getppid(1);
        static_cast<void>(gate.wait());
      }));
    }
    REQUIRE(service.scrape_until([](const Exposition& page) { return page.sum(kName) == 64; }));
    const double without_room = other(service.scrape());
    CHECK(without_room >= 48);
    CHECK(without_room < 64);
    for (std::size_t i = 0; i < children.size(); ++i) {
      gate.let_one();
    }
    for (const pid_t child : children) {
      reap(child);
    }
    REQUIRE(service.scrape_until_exited(64 - without_room));
    const pid_t late = start_child([&] {
      call_getppid(5);
      static_cast<void>(gate.wait());
    });
    REQUIRE(service.scrape_until([&](const Exposition& page) { return page.sum(kName) == 69; }));
    CHECK(calls_of(service.scrape(), late) == 5);
    gate.let_one();
    reap(late);
  }
}

TEST_CASE("a series is there for one scrape after its process and goes with it", "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 64, variant);
    const pid_t child = start_child([] { call_getppid(7); });
    reap(child);
    // Nobody has scraped yet: however long ago it ended, it shows.
    CHECK(service.scrape().value(kName, {{"id", std::to_string(child)}, {"comm", child_comm()}}) == 7);
    REQUIRE(service.scrape_until_exited(7));
    CHECK(calls_of(service.scrape(), child) == 0);
  }
}

TEST_CASE("a series is not taken for shown by a scrape whose client went away", "[kernel][retire]") {
  // The page is longer than what is written in one piece, so that the first refusal comes in the middle of it.
  Service service("pid", 64, kVariants[0], std::string(100'000, 'x'));
  const pid_t child = start_child([] { call_getppid(7); });
  reap(child);
  Service watcher("pid", 64);
  // When the end of one that ended later has arrived, so has the first one's.
  reap(start_child([] { call_getppid(1); }));
  REQUIRE(watcher.scrape_until_exited(1));
  CollectingSink gone;
  gone.refuse_after = 0;
  service.scrape_into(gone);
  reap(start_child([] { call_getppid(1); }));
  REQUIRE(watcher.scrape_until_exited(2));
  CHECK(calls_of(service.scrape(), child) == 7);
  REQUIRE(service.scrape_until_exited(9));
}

TEST_CASE("a service ends while its series are being ended", "[kernel][retire]") {
  for (int round = 0; round < 20; ++round) {
    Service service("pid", 64);
    reap(start_child([] { call_getppid(1); }));
    for (int i = 0; i <= round; ++i) {
      CHECK(service.scrape().sum(kName) == 1);
    }
  }
}

TEST_CASE("the series of a process ends though nobody waits for it but not with its first thread", "[kernel][retire]") {
  std::vector<std::unique_ptr<Service>> services;
  for (const Variant& variant : kVariants) {
    services.push_back(std::make_unique<Service>("pid", 64, variant));
  }
  Gate gate;
  const pid_t headless = start_headless_child(2, gate);
  // The kernel frees no task before its parent has asked for it: what ends the series is the task's exit alone.
  const pid_t zombie = start_child([] { call_getppid(7); });
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto ended = [&](const std::unique_ptr<Service>& service) {
    const Exposition page = service->scrape();
    return page.sum(kName) == 9 && calls_of(page, zombie) == 0;
  };
  // All are scraped each time: the second look at an id comes some time after the scrape that saw its exit.
  while (std::count_if(services.begin(), services.end(), ended) < std::ssize(services)) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  for (std::size_t i = 0; i < services.size(); ++i) {
    INFO(kVariants[i].name);
    // A classic tracepoint does not tell whether a process' first thread is its last.
    const bool told = kVariants[i].attach != plan::AttachType::Classic;
    CHECK(calls_of(services[i]->scrape(), headless) == (told ? 2 : 0));
  }
  reap(zombie);
  gate.let_one();
  reap(headless);
  for (const auto& service : services) {
    CHECK(service->scrape_until_exited(9));
  }
}

/// Two processes with the same id, one after the other; the first has called three times. Somebody else may be given the id
/// in between: then with another one.
struct Twins {
  double calls = 0;  ///< of all that have ended
  pid_t first = -1;
  pid_t second = -1;
};

Twins start_twins(Gate& gate) {
  Twins twins;
  for (int attempt = 0; attempt < 100 && twins.second < 0; ++attempt) {
    twins.first = start_child([] { call_getppid(3); });
    reap(twins.first);
    twins.calls += 3;
    twins.second = start_child_as(twins.first, [&] {
      gate.leave_to_parent();
      while (gate.wait()) {
        call_getppid(1);
      }
    });
  }
  REQUIRE(twins.second == twins.first);
  return twins;
}

TEST_CASE("an id that is in use again begins a new series and no event is lost between the two", "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 64, variant);
    Gate gate;
    const Twins twins = start_twins(gate);
    double calls = twins.calls;
    const auto call = [&] {
      gate.let_one();
      ++calls;
    };
    // Called while the series of the first is shown, marked and taken out.
    REQUIRE(service.scrape_until([&](const Exposition& page) {
      call();
      return exited(page) >= twins.calls;
    }));
    REQUIRE(service.scrape_until([&](const Exposition& page) {
      call();
      return calls_of(page, twins.second) > 0;
    }));
    REQUIRE(service.scrape_until([&](const Exposition& page) { return page.sum(kName) == calls; }));
    gate.close();
    reap(twins.second);
    REQUIRE(service.scrape_until_exited(calls));
  }
}

TEST_CASE("the series of a thread ends with the thread and that of a process with its last thread",
          "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service threads("tid", 64, variant);
    Service processes("pid", 64, variant);
    Gate gate;
    Gate ready;
    const pid_t child = start_child([&] {
      std::thread([] { call_getppid(2); }).join();
      ready.let_one();
      static_cast<void>(gate.wait());
    });
    REQUIRE(ready.wait());
    REQUIRE(threads.scrape_until_exited(2));
    // The thread's end has been seen: the process' series stays all the same.
    CHECK(calls_of(processes.scrape(), child) == 2);
    CHECK(calls_of(processes.scrape(), child) == 2);
    gate.let_one();
    reap(child);
    REQUIRE(processes.scrape_until_exited(2));
  }
}

}  // namespace
}  // namespace tpx::test
