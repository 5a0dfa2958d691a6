// What Prometheus adds up is what happened: scrapers that come, go, fail and look alike, and series that begin, end, come back
// and share their labels. The rises between each scraper's samples, added up, are the events.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "decode/series_table.h"
#include "service/scrapers.h"
#include "support/fake_series.h"

namespace tpx::expose {
namespace {

using decode::SeriesTable;
using decode::SeriesView;
using schema::MetricKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeLabels;
using test::make_plan;
using test::make_snapshot;

using Words = std::vector<std::uint64_t>;
using Page = std::map<std::string, Words>;

/// What a server adds up of the samples that it got.
class Server {
 public:
  void get(const Page& page) {
    for (const auto& [labels, value] : page) {
      const auto before = last_.find(labels);
      if (before != last_.end()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
          rises_ += value[i] >= before->second[i] ? value[i] - before->second[i] : value[i];
        }
      } else if (first_) {
        for (const std::uint64_t word : value) {
          at_first_ += word;
        }
      }
      last_[labels] = value;
    }
    first_ = false;
  }
  /// What its first samples said, and all rises since.
  [[nodiscard]] std::uint64_t sum() const { return at_first_ + rises_; }

 private:
  std::map<std::string, Words> last_;
  bool first_ = true;
  std::uint64_t at_first_ = 0;
  std::uint64_t rises_ = 0;
};

struct Scraper {
  std::string group;
  milliseconds interval{};
  milliseconds next{};
  bool keeps_connection = true;
  std::shared_ptr<const void> connection;
  Server server;
};

/// One metric, its rows and its events; times in milliseconds.
class World {
 public:
  explicit World(std::uint32_t seed, bool stable = true, bool vanish = false)
      : random_(seed),
        vanish_(vanish),
        plan_(make_plan(MetricKind::Counter, {"pid"})),
        table_(plan_.key, plan_.value, (labels_.is_stable = stable, labels_),
               vanish ? SeriesTable::Vanished::Ended : SeriesTable::Vanished::Forgotten) {
    table_.retire_label(0);
    table_.linger_for(seconds(30));
    if (!vanish) {
      table_.hold_back(milliseconds(700));
    }
  }

  std::uint32_t below(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random_);
  }

  void count(std::uint64_t key, std::uint64_t events) {
    if (labels_.texts.find(key) == labels_.texts.end()) {
      labels_.texts[key] = {std::to_string(key % 40)};  // some share their labels
    }
    rows_[key] += events;
    events_ += events;
  }
  void end(std::uint64_t key) {
    const auto row = rows_.find(key);
    if (row == rows_.end()) {
      return;
    }
    if (!vanish_) {
      std::array<std::byte, 8> bytes{};
      std::memcpy(bytes.data(), &key, sizeof key);
      if (!table_.end_row(bytes, Words{row->second}, snapshot_)) {
        table_.add_retired(std::vector<std::string>{"exited"}, Words{row->second});
      }
    } else if (shown_[key] != row->second) {
      return;  // a program that deletes what nobody has read loses it: not ours to keep
    }
    rows_.erase(row);
  }
  void rename(std::uint64_t key) { labels_.texts[key] = {"name" + std::to_string(below(20))}; }

  Page page(const decode::Showing& showing) {
    std::vector<std::pair<std::uint64_t, Words>> rows;
    for (const auto& [key, value] : rows_) {
      rows.push_back({key, {value}});
      shown_[key] = value;
    }
    snapshot_ = make_snapshot(plan_, rows);
    Page page;
    const SeriesView view = table_.update(snapshot_, showing);
    view.for_each([&](std::string_view labels, std::span<const std::uint64_t> value) {
      page.emplace(labels, Words(value.begin(), value.end()));
      return true;
    });
    return page;
  }

  void scrape(Scraper& scraper, milliseconds now, bool fails) {
    if (!scraper.connection || !scraper.keeps_connection) {
      scraper.connection = std::make_shared<int>(0);
    }
    service::ScrapeClient client;
    client.group = scraper.group;
    client.connection = scraper.connection;
    client.timeout = std::min<std::chrono::duration<double>>(scraper.interval, seconds(10));
    const service::Scrapers::Time time{now};
    const service::Scrapers::Scrape scrape = scrapers_.begin(client, time);
    const Page got = page(scrape.showing);
    // What was sent may not have arrived: to be seen by the connection, where it would have been kept.
    scrapers_.end(scrape, !fails || (scraper.keeps_connection && below(2) == 0), time);
    if (fails) {
      scraper.connection.reset();
      return;
    }
    scraper.server.get(got);
    if (!scraper.keeps_connection) {
      scraper.connection.reset();
    }
  }
  void look(milliseconds now) {
    static_cast<void>(page(scrapers_.begin(std::nullopt, service::Scrapers::Time(now)).showing));
  }
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  std::mt19937 random_;
  bool vanish_;
  schema::MetricSchema plan_;
  FakeLabels labels_;
  SeriesTable table_;
  service::Scrapers scrapers_;
  reader::MapSnapshot snapshot_;
  std::map<std::uint64_t, std::uint64_t> rows_;
  std::map<std::uint64_t, std::uint64_t> shown_;
  std::uint64_t events_ = 0;
};

/// Alone, pairs that look alike, with and without kept connections.
std::vector<Scraper> all_kinds(World& world) {
  std::vector<Scraper> scrapers;
  const auto add = [&](std::string group, milliseconds interval, bool keeps) {
    Scraper scraper;
    scraper.group = std::move(group);
    scraper.interval = interval;
    scraper.next = milliseconds(100 * world.below(10));  // before any series is gone
    scraper.keeps_connection = keeps;
    scrapers.push_back(std::move(scraper));
  };
  add("alone", seconds(5), true);
  add("slow", seconds(60), false);
  add("pair", seconds(1), true);
  add("pair", seconds(7), true);
  add("jobs", seconds(15), true);
  add("jobs", seconds(15), true);
  return scrapers;
}

struct Happens {
  bool renames = false;
  bool failures = false;
  bool keys_return = true;
};

void run(World& world, std::vector<Scraper>& scrapers, Happens happens) {
  constexpr milliseconds kStep{100};
  constexpr milliseconds kEvents{seconds(1200)};
  constexpr milliseconds kEnd{seconds(1200 + 900)};
  std::uint64_t next_key = 1;
  std::vector<std::uint64_t> live;
  for (milliseconds now{0}; now < kEnd; now += kStep) {
    if (now < kEvents) {
      if (world.below(3) == 0) {
        live.push_back(happens.keys_return && world.below(4) == 0 ? world.below(30) : 30 + next_key++);
      }
      for (int i = 0; i < 3 && !live.empty(); ++i) {
        world.count(live[world.below(static_cast<std::uint32_t>(live.size()))], 1 + world.below(5));
      }
      if (!live.empty() && world.below(4) == 0) {
        const std::size_t which = world.below(static_cast<std::uint32_t>(live.size()));
        world.end(live[which]);
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(which));
      }
      if (happens.renames && !live.empty() && world.below(20) == 0) {
        world.rename(live[world.below(static_cast<std::uint32_t>(live.size()))]);
      }
    }
    for (Scraper& scraper : scrapers) {
      if (now >= scraper.next) {
        scraper.next +=
            scraper.next < seconds(1) ? milliseconds(100 * world.below(10)) + scraper.interval : scraper.interval;
        world.scrape(scraper, now, happens.failures && now > seconds(20) && now < kEvents && world.below(10) == 0);
      }
    }
    if (world.below(40) == 0) {
      world.look(now);
    }
  }
  for (const Scraper& scraper : scrapers) {
    INFO(scraper.group << " every " << scraper.interval.count() << " ms");
    CHECK(scraper.server.sum() == world.events());
  }
}

#if defined(__clang__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t kSeeds = 1;  // the build with sanitizers, which is made with clang: fifty times as slow
#else
constexpr std::uint32_t kSeeds = 5;
#endif

TEST_CASE("each scraper adds up what happened, whoever else scrapes", "[promise]") {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    auto scrapers = all_kinds(world);
    run(world, scrapers, {});
  }
}

TEST_CASE("scrapes that fail, and new connections, change nothing", "[promise]") {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    auto scrapers = all_kinds(world);
    run(world, scrapers, {.failures = true});
  }
}

TEST_CASE("rows that change their labels are not added up twice", "[promise]") {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    World world(seed, false);
    auto scrapers = all_kinds(world);
    run(world, scrapers, {.renames = true, .failures = true});
  }
}

TEST_CASE("elements that a program deletes are not added up twice", "[promise]") {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    World world(seed, true, true);
    auto scrapers = all_kinds(world);
    run(world, scrapers, {.failures = true, .keys_return = false});
  }
}

}  // namespace
}  // namespace tpx::expose
