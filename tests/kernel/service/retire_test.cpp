// retire_on_exit on the running kernel: what short-lived processes and threads counted, scrape by scrape. Most services here
// let no series wait: it is exposed at once, and goes when its process is over. What it had counted is in `exited` then, as no
// scraper was shown it.

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
#include "kernel/kernel.h"
#include "kernel/support/children.h"
#include "plan/planner.h"
#include "service/deploy.h"
#include "service/metric_service.h"
#include "service/scrapers.h"
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
  std::optional<schema::StoreKind> store = std::nullopt;
  bool fetch_atomics = true;
};

const std::array<Variant, 4> kVariants{{
    {"as planned"},
    {"classic tracepoints", plan::AttachType::Classic},
    {"per-CPU hash", std::nullopt, schema::StoreKind::PerCpuHash},
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

/// Notices when nothing changes any more.
class Progress {
 public:
  [[nodiscard]] bool stalled(double now) {
    const auto time = std::chrono::steady_clock::now();
    if (now != before_) {
      before_ = now;
      changed_ = time;
    }
    return time > changed_ + kPatience;
  }

 private:
  double before_ = -1;
  std::chrono::steady_clock::time_point changed_;
};

constexpr service::SeriesTimes kAtOnce{std::chrono::nanoseconds(0), std::chrono::nanoseconds(0)};
/// However slow the machine: nothing that ends gets that old.
constexpr service::SeriesTimes kNeverExposed{std::chrono::hours(1), std::chrono::minutes(5)};

/// Somebody who scrapes over one connection.
struct Scraper {
  explicit Scraper(std::string group = "one") : client{std::move(group), connection, std::chrono::seconds(100)} {}
  std::shared_ptr<const void> connection = std::make_shared<int>(0);
  service::ScrapeClient client;
};

/// A service of one metric: getppid calls of processes named child_comm(), by `id`.
class Service {
 public:
  Service(const std::string& id, std::uint32_t max_series, const Variant& variant = kVariants[0],
          const std::string& help = "Calls.", service::SeriesTimes times = kAtOnce) {
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
    auto service = service::MetricService::make(service::deploy(std::move(plan), kernel->features), {},
                                                decode::with_shared({}), kernel->features, times);
    REQUIRE(service);
    REQUIRE((*service)->served() == 1);
    REQUIRE((*service)->begin(nullptr, nullptr, [] {}));
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

  /// As a scraper, or as somebody else. None when the page was refused.
  std::optional<Exposition> scrape_as(const Scraper* scraper, bool refuse = false) {
    CollectingSink sink;
    if (refuse) {
      sink.refuse_after = 0;
    }
    exposition::TextWriter writer(sink, exposition::TextFormat::Prometheus);
    const auto now = std::chrono::steady_clock::now();
    const service::Scrapers::Scrape scrape =
        scrapers_.begin(scraper != nullptr ? std::optional(scraper->client) : std::nullopt, now);
    const bool all = service_->scrape(writer, scrape.showing);
    const bool sent = writer.finish() && all;
    scrapers_.end(scrape, sent, now);
    if (!sent) {
      return std::nullopt;
    }
    auto page = parse_exposition(sink.text);
    REQUIRE(page);
    return std::move(*page);
  }

  void scrape_into(CollectingSink& sink) {
    exposition::TextWriter writer(sink, exposition::TextFormat::Prometheus);
    service_->scrape(writer);
    static_cast<void>(writer.finish());
  }

  /// Scrapes without a pause until `enough` says so. False when nothing changes any more.
  bool scrape_until(const std::function<bool(const Exposition&)>& enough) {
    Progress progress;
    for (;;) {
      const Exposition page = scrape();
      if (enough(page)) {
        return true;
      }
      if (progress.stalled(page.sum(kName) + exited(page))) {  // both only grow
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
  service::MetricStatus status() { return service_->status(service::MetricService::Detail::Totals)->metrics.front(); }

 private:
  service::Scrapers scrapers_;
  std::unique_ptr<service::MetricService> service_;
  double seen_ = 0;
  std::size_t most_ = 0;
};

using Services = std::vector<std::unique_ptr<Service>>;

/// Of each way to serve one, all at once.
Services of_all_variants(std::uint32_t max_series, service::SeriesTimes times = kAtOnce) {
  Services services;
  for (const Variant& variant : kVariants) {
    services.push_back(std::make_unique<Service>("pid", max_series, variant, "Calls.", times));
  }
  return services;
}

/// Scrapes all of them in turn, without a pause, until `enough` says so of each. False when nothing changes any more.
bool scrape_all_until(const Services& services, const std::function<bool(const Exposition&)>& enough) {
  Progress progress;
  for (;;) {
    bool all = true;
    double now = 0;
    for (const auto& service : services) {
      const Exposition page = service->scrape();
      all = enough(page) && all;
      now += page.sum(kName) + exited(page);
    }
    if (all) {
      return true;
    }
    if (progress.stalled(now)) {
      for (std::size_t i = 0; i < services.size(); ++i) {
        const Exposition page = services[i]->scrape();
        WARN("service " << i << ": sum " << page.sum(kName) << ", exited " << exited(page) << ", series "
                        << series(page) << ", other " << other(page));
      }
      return false;
    }
  }
}

/// Lets `children` processes live and die, scraping all the time, until all that they counted is in one series (or was
/// more than fitted).
void churn_on_two_cpus(const Services& services, long children) {
  const auto work = [&] { churn(children / 2); };
  const std::array<pid_t, 2> spawners{start_child(work), start_child(work)};
  const bool counted =
      scrape_all_until(services, [&](const Exposition& page) { return page.sum(kName) == double(children); });
  for (const pid_t spawner : spawners) {
    reap(spawner);
  }
  REQUIRE(counted);
  REQUIRE(scrape_all_until(services, [&](const Exposition& page) {
    return exited(page) > 0 && exited(page) + other(page) == double(children);
  }));
  for (const auto& service : services) {
    const Exposition page = service->scrape();
    CHECK(page.sum(kName) == double(children));
    CHECK(series(page) == (other(page) > 0 ? 2 : 1));
  }
}

long churn_size() {
  const char* size = std::getenv("TPX_CHURN");
  return size != nullptr ? std::atol(size) : 6000;
}

TEST_CASE("short processes make no series, and their sum is exact", "[kernel][retire]") {
  constexpr std::uint32_t kLimit = 4096;
  Services services;
  services.push_back(std::make_unique<Service>("pid", kLimit, kVariants[0], "Calls.", kNeverExposed));
  const long children = churn_size();
  churn_on_two_cpus(services, children);
  CHECK(services.front()->most_series() <= 2);  // `exited`, and `other` if there was no room
  CHECK(services.front()->status().events_total == double(children));
}

TEST_CASE("series end in every store and with every way to attach", "[kernel][retire]") {
  churn_on_two_cpus(of_all_variants(512), 2000);
}

TEST_CASE("short processes make no series in any store", "[kernel][retire]") {
  const Services services = of_all_variants(512, kNeverExposed);
  churn_on_two_cpus(services, 2000);
  for (const auto& service : services) {
    CHECK(service->most_series() <= 2);
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

/// A process that calls as often as it is let, and ends when the gate closes.
pid_t start_caller(Gate& gate) {
  return start_child([&] {
    gate.leave_to_parent();
    while (gate.wait()) {
      call_getppid(1);
    }
  });
}

/// Scrapes as nobody, who changes nothing, until `enough` says so of the page.
bool look_until(Service& service, const std::function<bool(const Exposition&)>& enough) {
  Progress progress;
  for (;;) {
    const auto page = service.scrape_as(nullptr);
    if (page && enough(*page)) {
      return true;
    }
    if (progress.stalled(page ? page->sum(kName) : 0)) {
      return false;
    }
  }
}

TEST_CASE("a series begins at 0 for each scraper, and stays with its last value until all have seen it",
          "[kernel][retire]") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    Service service("pid", 64, variant);
    const Scraper one;
    const Scraper two("another");
    REQUIRE(service.scrape_as(&one));
    REQUIRE(service.scrape_as(&two));
    Gate gate;
    const pid_t child = start_caller(gate);
    gate.let_one();
    const auto shows = [&](double calls) {
      return [child, calls](const Exposition& page) { return calls_of(page, child) == calls; };
    };
    REQUIRE(look_until(service, shows(1)));
    for (const Scraper* scraper : {&one, &two}) {
      const auto zero = service.scrape_as(scraper);
      REQUIRE(zero);
      CHECK(zero->value(kName, {{"id", std::to_string(child)}, {"comm", child_comm()}}) == 0);
      CHECK(calls_of(*service.scrape_as(scraper), child) == 1);
    }
    gate.let_one();
    REQUIRE(look_until(service, shows(2)));
    gate.close();
    reap(child);
    REQUIRE(look_until(service, [&](const Exposition&) { return service.status().series == 0; }));
    CHECK(calls_of(*service.scrape_as(&one), child) == 2);
    for (int i = 0; i < 5; ++i) {  // the other one has not seen it
      CHECK(calls_of(*service.scrape_as(&one), child) == 2);
      CHECK(calls_of(*service.scrape_as(nullptr), child) == 2);
    }
    CHECK(calls_of(*service.scrape_as(&two), child) == 2);
    CHECK(series(*service.scrape_as(&two)) == 0);  // it came back over its connection: it has got the page before
    const auto after = service.scrape_as(&one);
    CHECK(series(*after) == 0);  // neither itself nor anything of it elsewhere
    CHECK(service.status().events_total == 2);
    CHECK(service.status().unshown == 0);
  }
}

TEST_CASE("an ended series stays for the time of a look-back", "[kernel][retire]") {
  Service service("pid", 64, kVariants[0], "Calls.", {std::chrono::nanoseconds(0), std::chrono::hours(1)});
  const Scraper scraper;
  Gate gate;
  const pid_t child = start_caller(gate);
  gate.let_one();
  REQUIRE(look_until(service, [&](const Exposition& page) { return calls_of(page, child) == 1; }));
  gate.close();
  reap(child);
  REQUIRE(look_until(service, [&](const Exposition&) { return service.status().series == 0; }));
  for (int i = 0; i < 10; ++i) {
    CHECK(calls_of(*service.scrape_as(&scraper), child) == 1);
  }
}

TEST_CASE("a series is not taken for shown by a scrape whose client went away", "[kernel][retire]") {
  // The page is longer than what is written in one piece, so that the first refusal comes in the middle of it.
  Service service("pid", 64, kVariants[0], std::string(100'000, 'x'));
  const Scraper scraper;
  REQUIRE(service.scrape_as(&scraper));
  Gate gate;
  const pid_t child = start_caller(gate);
  gate.let_one();
  REQUIRE(look_until(service, [&](const Exposition& page) { return calls_of(page, child) == 1; }));
  CHECK_FALSE(service.scrape_as(&scraper, true));
  CHECK(calls_of(*service.scrape_as(&scraper), child) == 0);
  CHECK(calls_of(*service.scrape_as(&scraper), child) == 1);
  gate.close();
  reap(child);
  REQUIRE(look_until(service, [&](const Exposition&) { return service.status().series == 0; }));
  CHECK_FALSE(service.scrape_as(&scraper, true));
  CHECK(calls_of(*service.scrape_as(&scraper), child) == 1);
}

TEST_CASE("a service ends while its series are being ended", "[kernel][retire]") {
  for (int round = 0; round < 20; ++round) {
    Service service("pid", 64);
    reap(start_child([] { call_getppid(1); }));
    for (int i = 0; i <= round; ++i) {
      CHECK(service.scrape().sum(kName) <= 1);  // none while its row is known to be over and not taken out yet
      CHECK(service.status().events_total == 1);
    }
  }
}

TEST_CASE("the series of a process ends though nobody waits for it but not with its first thread", "[kernel][retire]") {
  const Services services = of_all_variants(64);
  Gate gate;
  const pid_t headless = start_headless_child(2, gate);
  // The kernel frees no task before its parent has asked for it: what ends the series is the task's exit alone.
  const pid_t zombie = start_child([] { call_getppid(7); });
  // All are scraped each time: the second look at an id comes some time after the scrape that saw its exit.
  REQUIRE(scrape_all_until(
      services, [&](const Exposition& page) { return page.sum(kName) == 9 && calls_of(page, zombie) == 0; }));
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
    // Called while the row of the first is marked and taken out: when one that ended later is in `exited`, it has been.
    reap(start_child([] { call_getppid(1); }));
    ++calls;
    REQUIRE(service.scrape_until([&](const Exposition& page) {
      call();
      return exited(page) >= 1;
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
