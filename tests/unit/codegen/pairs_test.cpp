// Where pairs keep their starts: the generated programs on a store of a few slots, beside a map of what is open.

#include <cstring>
#include <random>

#include "catch.h"
#include "codegen/rows.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"
#include "support/interpreted_plan.h"

namespace tpx::test {
namespace {

using schema::LostReason;

/// A pair from sys_enter to sys_exit, whose key is the number of the call, in a store of so many slots.
class Store {
 public:
  explicit Store(const char* release, std::uint32_t slots)
      : kernel_(recorded(release)), random_(1), maker_(random_, kernel_) {
    const config::Loaded loaded = config::parse("a.yaml", R"(
namespace: ""
metrics:
  - name: a_total
    from: {tracepoint: raw_syscalls/sys_enter, key: args.id}
    to: {tracepoint: raw_syscalls/sys_exit, key: args.id}
)");
    REQUIRE(loaded.errors.empty());
    plan::Options options;
    options.decoders = decode::signatures();
    options.force_attach = plan::AttachType::Classic;
    plan::Plan plan = plan::make_plan(loaded.config, kernel_, options);
    REQUIRE(plan.rejected.empty());
    plan.metrics.front().pair->slots = slots;
    auto compiled = InterpretedPlan::compile(std::move(plan), kernel_);
    REQUIRE(compiled.has_value());
    compiled_ = std::move(*compiled);
  }

  void start(std::uint64_t key, std::uint64_t time) { finish(*begin("sys_enter", key, time)); }
  void end(std::uint64_t key, std::uint64_t time) { finish(*begin("sys_exit", key, time)); }

  /// The program of one event, of which nothing has run yet.
  std::unique_ptr<Interpreter> begin(const std::string& event, std::uint64_t key, std::uint64_t time) {
    const auto format = kernel_.tracefs.format("raw_syscalls", event);
    REQUIRE(format.has_value());
    auto made = maker_.make(std::make_shared<const kernel::Format>(*format));
    std::memcpy(made->record.data() + format->find("id")->offset, &key, sizeof key);
    made->nanoseconds = time;
    made->cpu = 0;
    made->happen(compiled_->kernel());
    const auto& programs = compiled_->plan().programs;
    for (std::size_t i = 0; i < programs.size(); ++i) {
      if (programs[i].point.event == event) {
        return std::make_unique<Interpreter>(compiled_->programs()[i], compiled_->kernel(), made->record);
      }
    }
    FAIL("no program on " << event);
    return nullptr;
  }

  /// Runs at most `steps` instructions; false when the program was over before.
  static bool advance(Interpreter& program, std::size_t steps) {
    for (std::size_t step = 0; step < steps; ++step) {
      const auto more = program.step();
      if (!more) {  // no assertion at each step: there are a million of them
        FAIL(more.error().message);
      }
      if (!*more) {
        return false;
      }
    }
    return true;
  }
  static void finish(Interpreter& program) {
    while (advance(program, 1000)) {
    }
  }

  std::uint64_t nanoseconds() { return compiled_->rows(0).begin()->second.front(); }
  std::uint64_t lost(LostReason reason) { return compiled_->lost(0, reason); }
  /// Whether every slot is empty, and known to be so.
  bool empty() {
    const plan::PlannedMetric& metric = compiled_->plan().metrics.front();
    for (std::uint64_t slot = 0; slot < metric.pair->slots; ++slot) {
      const std::uint8_t* at = compiled_->kernel().value(metric.plan.pair_map).data() + slot * metric.pair->stride();
      std::uint64_t owner = 0;
      std::uint64_t displaced = 0;
      std::memcpy(&owner, at, sizeof owner);
      std::memcpy(&displaced, at + 24, sizeof displaced);
      if (owner != 0 || displaced != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  /// Read once: reading a kernel's formats takes longer than a program.
  static const kernel::Kernel& recorded(const std::string& release) {
    static std::map<std::string, kernel::Kernel> read;
    auto found = read.find(release);
    if (found == read.end()) {
      const kernel::Features features =
          release == "5.10" ? kernel::features_of_release(5, 10) : kernel::features_of_release(6, 1);
      auto kernel = kernel::recorded_kernel(recorded_directory(release), features);
      REQUIRE(kernel.has_value());
      found = read.emplace(release, std::move(*kernel)).first;
    }
    return found->second;
  }

  kernel::Kernel kernel_;
  std::mt19937_64 random_;
  RandomEvents maker_;
  std::unique_ptr<InterpretedPlan> compiled_;
};

/// The slot where the search for a key begins.
std::uint64_t home(std::uint64_t key, std::uint32_t slots) {
  return (key * codegen::kHashMultiplier) >> (64 - std::countr_zero(slots));
}

std::vector<std::uint64_t> keys_of_one_home(std::uint32_t slots, std::size_t count) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t key = 1; keys.size() < count; ++key) {
    if (home(key, slots) == home(1, slots)) {
      keys.push_back(key);
    }
  }
  return keys;
}

TEST_CASE("as many starts as a key has slots are all found, whatever comes and goes between") {
  for (const char* release : {"5.10", "6.1"}) {
    for (const std::uint32_t slots : {plan::PairLayout::kProbes, 4 * plan::PairLayout::kProbes}) {
      INFO(release << ", " << slots << " slots");
      Store store(release, slots);
      std::mt19937_64 random(slots);
      std::map<std::uint64_t, std::uint64_t> open;
      std::uint64_t nanoseconds = 0;
      std::uint64_t restarts = 0;
      std::uint64_t without_start = 0;
      for (std::uint64_t time = 1; time < 2000; ++time) {
        const std::uint64_t key = random() % 40;
        const bool starts = time < 1500 && random() % 2 == 0;
        const auto known = open.find(key);
        if (starts && known != open.end()) {
          store.start(key, time);
          ++restarts;
          known->second = time;
        } else if (starts && open.size() < plan::PairLayout::kProbes) {
          store.start(key, time);
          open[key] = time;
        } else if (!starts) {
          store.end(key, time);
          nanoseconds += known == open.end() ? 0 : time - known->second;
          without_start += known == open.end() ? 1 : 0;
          open.erase(key);
        }
      }
      for (const auto& [key, since] : open) {
        store.end(key, 5000);
        nanoseconds += 5000 - since;
      }
      CHECK(store.nanoseconds() == nanoseconds);
      CHECK(store.lost(LostReason::PairRestart) == restarts);
      CHECK(store.lost(LostReason::PairNoStart) == without_start);
      CHECK(store.lost(LostReason::PairCollision) == 0);
      CHECK(store.empty());
    }
  }
}

TEST_CASE("of more starts than there are slots, those that are displaced are counted") {
  Store store("6.1", 64);
  std::uint64_t ends = 0;
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t key = 0; key < 100; ++key) {
      store.start(key, 1);
    }
    for (std::uint64_t key = 0; key < 100; ++key) {
      store.end(key, 2);
      ++ends;
    }
    CHECK(store.nanoseconds() + store.lost(LostReason::PairNoStart) == ends);
    CHECK(store.lost(LostReason::PairCollision) == store.lost(LostReason::PairNoStart));
    CHECK(store.lost(LostReason::PairCollision) >= (round + 1) * 36);
    CHECK(store.empty());
  }
}

TEST_CASE("two starts and two ends of one home at once: none is lost, wherever one interrupts the other") {
  constexpr std::uint32_t kSlots = 64;
  const std::vector<std::uint64_t> keys = keys_of_one_home(kSlots, 3);
  // The third key makes the others look beyond the home.
  for (const bool displaced : {false, true}) {
    for (const char* first : {"sys_enter", "sys_exit"}) {
      for (const char* second : {"sys_enter", "sys_exit"}) {
        bool whole = false;
        for (std::size_t steps = 0; !whole; ++steps) {
          INFO(first << " interrupted after " << steps << " instructions by " << second
                     << (displaced ? ", home taken" : ""));
          Store store("6.1", kSlots);
          if (displaced) {
            store.start(keys[2], 10);
          }
          for (const auto& [event, key] : {std::pair(first, keys[0]), std::pair(second, keys[1])}) {
            if (std::string_view(event) == "sys_exit") {
              store.start(key, 10);
            }
          }
          const auto one = store.begin(first, keys[0], 10);
          whole = !Store::advance(*one, steps);
          Store::finish(*store.begin(second, keys[1], 10));
          Store::finish(*one);
          const std::uint64_t ended = store.nanoseconds();
          CHECK(ended == 0);
          for (const auto& [event, key] : {std::pair(first, keys[0]), std::pair(second, keys[1])}) {
            if (std::string_view(event) == "sys_enter") {
              store.end(key, 11);
            }
          }
          if (displaced) {
            store.end(keys[2], 11);
          }
          const std::uint64_t enters = (std::string_view(first) == "sys_enter" ? 1U : 0U) +
                                       (std::string_view(second) == "sys_enter" ? 1U : 0U) + (displaced ? 1U : 0U);
          CHECK(store.nanoseconds() == enters);
          CHECK(store.lost(LostReason::PairNoStart) == 0);
          CHECK(store.lost(LostReason::PairCollision) == 0);
          CHECK(store.lost(LostReason::PairRestart) == 0);
          CHECK(store.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace tpx::test
