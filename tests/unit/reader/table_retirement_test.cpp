// The table's protocol: BPF programs that count, stopped after any instruction, against the steps of a retirement.

#include "reader/table_retirement.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "assembler/program.h"
#include "catch.h"
#include "codegen/context.h"
#include "codegen/rows.h"
#include "codegen/updates.h"
#include "support/interpreter.h"

namespace tpx::reader {
namespace {

using assembler::Reg;
using assembler::Size;
using Ids = std::unordered_set<std::uint32_t>;

schema::MetricSchema make_plan(std::uint32_t capacity, schema::MetricKind kind = schema::MetricKind::Counter) {
  schema::MetricSchema plan;
  plan.name = "events_total";
  plan.region_map = "events";
  plan.key.fields = {{"pid", 0, {schema::ValueType::Kind::Integer, 4, false}, {}, {}}};
  plan.key.size = 8;
  plan.value.kind = kind;
  plan.retire_field = 0;
  plan.store.kind = schema::StoreKind::Table;
  plan.store.max_series = capacity;
  plan.store.atomic = true;  // the programs share the row of one CPU
  plan.store.region.capacity = capacity;
  plan.store.region.slots = 8;
  plan.store.region.key_size = 8;
  plan.store.region.value_words = plan.value.words();
  plan.store.region.births = true;
  return plan;
}

/// Counts one event of the process that is the context's first word.
assembler::Program counting(const schema::MetricSchema& plan) {
  assembler::Program out;
  const kernel::Features features;
  codegen::Context context{out, features, false, std::nullopt};
  out.load(Size::Double, Reg::R1, Reg::R1, 0);
  out.store(Size::Double, codegen::kFrame, codegen::kKey, Reg::R1);
  out.store_immediate(Size::Double, codegen::kFrame, codegen::kValueSlot, 7);
  codegen::Rows(context, plan).find();
  codegen::Updates(context, plan).update(plan.value.kind == schema::MetricKind::Counter);
  out.load_immediate(Reg::R0, 0);
  out.exit();
  out.drop_unreachable();
  return out;
}

/// A table in the test's memory, and what was retired from it.
class Table {
 public:
  /// `check`: whether the program is new, see InterpreterOptions.
  explicit Table(const schema::MetricSchema& plan, const assembler::Program& program, bool check = true)
      : plan_(plan), program_(program), check_(check), retirement_(plan, memory()) {}

  std::unique_ptr<test::Interpreter> event(std::uint64_t pid) {
    std::array<std::uint8_t, 8> context{};
    std::memcpy(context.data(), &pid, sizeof pid);
    return std::make_unique<test::Interpreter>(program_, kernel_, context, test::InterpreterOptions{.check = check_});
  }
  void count(std::uint64_t pid) { REQUIRE(event(pid)->run()); }

  /// In ticks.
  void set_time(std::uint64_t ticks) { kernel_.ktime_ns = ticks << schema::RegionLayout::kTickBits; }

  Ids mark(std::uint32_t pid) {
    Ids again;
    retirement_.mark({pid}, again);
    return again;
  }
  void collect() {
    retirement_.collect([this](std::span<const std::byte> key, std::span<const std::uint64_t> value) {
      exited_[id_in(key, plan_.key.fields[0])] += value[0];
    });
  }

  template <class Word>
  [[nodiscard]] Word get(std::uint64_t offset) const {
    Word value = 0;
    std::memcpy(&value, bytes().data() + offset, sizeof value);
    return value;
  }

  [[nodiscard]] std::uint64_t fresh() const {
    return std::min<std::uint64_t>(get<std::uint64_t>(layout().fresh_offset()), layout().capacity);
  }
  [[nodiscard]] std::uint32_t index_word(std::uint64_t slot) const {
    return get<std::uint32_t>(layout().index_offset() + 4 * slot);
  }
  /// The slot of an id's key in the index + 1; 0 when it has none.
  [[nodiscard]] std::uint32_t place(std::uint64_t id) const {
    return get<std::uint32_t>(layout().places_offset() + 4 * id);
  }
  [[nodiscard]] std::uint64_t value(std::uint64_t id) const {
    return get<std::uint64_t>(layout().values_offset() + id * layout().value_stride());
  }
  [[nodiscard]] std::uint64_t other() const { return value(layout().other_row()); }
  [[nodiscard]] std::uint64_t exited() const {
    std::uint64_t sum = 0;
    for (const auto& [pid, count] : exited_) {
      sum += count;
    }
    return sum;
  }
  /// What all series show together.
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = other() + exited();
    for (std::uint64_t id = 0; id < layout().capacity; ++id) {
      sum += place(id) != 0 ? value(id) : 0;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t rows() const {
    std::uint64_t rows = 0;
    for (std::uint64_t id = 0; id < layout().capacity; ++id) {
      rows += place(id) != 0 ? 1 : 0;
    }
    return rows;
  }
  /// Every id is either free or has one key; every index word that is not empty leads to its id.
  [[nodiscard]] bool consistent() const {
    std::multiset<std::uint64_t> ids;
    for (std::uint64_t id = fresh(); id < layout().capacity; ++id) {
      ids.insert(id);
    }
    const auto free = get<std::uint64_t>(layout().free_offset());
    std::uint64_t given_back = free >> 20U & 0xfffffU;
    for (std::uint64_t top = free & 0xfffffU; top != 0; --given_back) {
      ids.insert(top - 1);
      top = get<std::uint32_t>(layout().links_offset() + 4 * (top - 1));
    }
    if (given_back != 0) {
      return false;
    }
    std::uint64_t words = 0;
    for (std::uint64_t id = 0; id < layout().capacity; ++id) {
      if (place(id) == 0) {
        if (value(id) != 0) {
          return false;
        }
        continue;
      }
      ids.insert(id);
      ++words;
      const std::uint32_t word = index_word(place(id) - 1);
      if (((word >> 2U) & 0xfffffU) != id + 1 || (word & 3U) != static_cast<std::uint32_t>(schema::SlotState::Ready)) {
        return false;
      }
    }
    for (std::uint64_t slot = 0; slot < layout().slots; ++slot) {
      words -= index_word(slot) != 0 ? 1 : 0;
    }
    return words == 0 && ids.size() == layout().capacity && std::set(ids.begin(), ids.end()).size() == ids.size();
  }

 private:
  [[nodiscard]] const schema::RegionLayout& layout() const { return plan_.store.region; }
  [[nodiscard]] std::span<std::uint8_t> bytes() const { return bytes_; }
  std::byte* memory() {
    kernel_.add_map(plan_.region_map, BPF_MAP_TYPE_ARRAY, 4, static_cast<std::uint32_t>(layout().total_bytes()), 1);
    bytes_ = kernel_.value(plan_.region_map);
    return reinterpret_cast<std::byte*>(bytes_.data());
  }

  const schema::MetricSchema& plan_;
  const assembler::Program& program_;
  const bool check_;
  test::TestKernel kernel_;
  std::span<std::uint8_t> bytes_;
  std::map<std::uint32_t, std::uint64_t> exited_;
  TableRetirement retirement_;
};

/// Runs at most `steps` instructions; false when the program was over before.
bool advance(test::Interpreter& program, std::size_t steps) {
  for (std::size_t step = 0; step < steps; ++step) {
    const auto more = program.step();
    if (!more) {
      FAIL(more.error().message);
    }
    if (!*more) {
      return false;
    }
  }
  return true;
}

void finish(test::Interpreter& program) {
  while (advance(program, 1000)) {
  }
}

TEST_CASE("an ended series gives its count and its id away, and begins anew when its id comes back") {
  const schema::MetricSchema plan = make_plan(2);
  const assembler::Program program = counting(plan);
  Table table(plan, program);
  table.count(1);
  table.count(1);
  table.count(2);
  CHECK(table.mark(1).empty());
  table.count(1);  // a new process with the same id: a row of its own, for which there is no room
  CHECK(table.other() == 1);
  table.collect();
  CHECK(table.exited() == 2);
  table.count(1);
  CHECK(table.total() == 5);
  CHECK(table.exited() == 2);
  CHECK(table.other() == 1);
  CHECK(table.consistent());
}

TEST_CASE("a row notes when its key was written, and anew when its id goes to another") {
  const schema::MetricSchema plan = make_plan(1);
  const assembler::Program program = counting(plan);
  Table table(plan, program);
  const auto birth = [&] { return table.get<std::uint32_t>(plan.store.region.births_offset()); };
  table.set_time(100);
  table.count(1);
  table.set_time(200);
  table.count(1);
  CHECK(birth() == 100);
  table.mark(1);
  table.collect();
  table.count(2);
  CHECK(birth() == 200);
}

TEST_CASE("a thousand processes pass through two rows without one in `other`") {
  const schema::MetricSchema plan = make_plan(2);
  const assembler::Program program = counting(plan);
  Table table(plan, program);
  for (std::uint32_t pid = 1; pid <= 1000; ++pid) {
    table.count(pid);
    table.mark(pid);
    table.collect();
    REQUIRE(table.consistent());
  }
  CHECK(table.exited() == 1000);
  CHECK(table.other() == 0);
}

TEST_CASE("index words of gauges are emptied once nothing lies behind them") {
  const schema::MetricSchema plan = make_plan(2, schema::MetricKind::Gauge);
  const assembler::Program program = counting(plan);
  for (std::uint32_t second = 2; second < 40; ++second) {
    Table table(plan, program);
    table.count(1);
    table.count(second);
    table.mark(1);
    table.collect();
    table.count(second);  // finds its own row still, also behind the one that is gone
    REQUIRE(table.fresh() == 2);
    table.mark(second);
    table.collect();
    for (std::uint64_t slot = 0; slot < plan.store.region.slots; ++slot) {
      REQUIRE(table.index_word(slot) == 0);
    }
  }
}

/// Programs of each of `pids` nested in one another: each is stopped after every number of instructions, the last one runs
/// to its end, then the others do, innermost first. `check` sees the table then.
template <class Check>
void nest(const schema::MetricSchema& plan, const std::vector<std::uint64_t>& pids, const Check& check) {
  const assembler::Program program = counting(plan);
  const std::size_t outer = pids.size() - 1;
  std::vector<std::size_t> steps(outer, 0);
  for (bool first = true;; first = false) {
    Table table(plan, program, first);
    std::vector<std::unique_ptr<test::Interpreter>> stopped;
    std::size_t ended = outer;  // the innermost program that was over before it could be stopped
    for (std::size_t i = 0; i < outer; ++i) {
      stopped.push_back(table.event(pids[i]));
      if (!advance(*stopped.back(), steps[i]) && ended == outer) {
        ended = i;
      }
    }
    table.count(pids.back());
    for (auto program_left = stopped.rbegin(); program_left != stopped.rend(); ++program_left) {
      finish(**program_left);
    }
    if (!check(table)) {
      FAIL("stopped after " << steps.front() << " and " << steps.back() << " instructions");
    }
    // The next combination, like an odometer whose digits end where their programs do.
    std::size_t digit = ended == outer ? outer - 1 : ended;
    if (ended != outer) {
      if (digit == 0) {
        return;
      }
      std::fill(steps.begin() + static_cast<std::ptrdiff_t>(digit), steps.end(), 0);
      --digit;
    }
    ++steps[digit];
  }
}

TEST_CASE("first events of one key make one row, wherever they meet") {
  const auto one_row = [](std::uint64_t events) {
    return [events](const Table& table) {
      return table.rows() == 1 && table.total() == events && table.other() == 0 && table.consistent();
    };
  };
  nest(make_plan(2), {1, 1}, one_row(2));
  nest(make_plan(3), {1, 1, 1}, one_row(3));
}

TEST_CASE("first events of two keys make two rows, wherever they meet") {
  for (std::uint64_t other = 2; other < 20; ++other) {  // some begin at the same slot
    nest(make_plan(2), {1, other}, [](const Table& table) {
      return table.rows() == 2 && table.total() == 2 && table.other() == 0 && table.consistent();
    });
  }
}

TEST_CASE("an id taken in vain goes to the next key") {
  nest(make_plan(2), {1, 1}, [](Table& table) {
    table.count(2);
    return table.rows() == 2 && table.total() == 3 && table.other() == 0 && table.consistent();
  });
}

TEST_CASE("an event that finds no id left is in `other`, and its row is there all the same") {
  nest(make_plan(1), {1, 1}, [](const Table& table) {
    return table.rows() == 1 && table.total() == 2 && table.other() <= 1 && table.consistent();
  });
}

/// Program X is stopped after every number of instructions, then the series is marked, then program Y begins and is stopped
/// after every number of instructions; X ends, as the grace period sees to; the rows are collected while Y stands still.
void interleave(std::uint32_t capacity, std::uint64_t x_pid, std::uint64_t y_pid, bool known) {
  const schema::MetricSchema plan = make_plan(capacity);
  const assembler::Program program = counting(plan);
  const std::uint64_t before = known ? 1 : 0;
  bool x_stopped = true;
  for (std::size_t x_steps = 0; x_stopped; ++x_steps) {
    bool y_stopped = true;
    for (std::size_t y_steps = 0; y_stopped; ++y_steps) {
      Table table(plan, program, x_steps + y_steps == 0);
      if (known) {
        table.count(1);
      }
      const auto x = table.event(x_pid);
      x_stopped = advance(*x, x_steps);
      Ids again = table.mark(1);
      const std::uint64_t marked = table.total();
      const auto y = table.event(y_pid);
      y_stopped = advance(*y, y_steps);
      finish(*x);
      const std::uint64_t waited = table.total();
      table.collect();
      if (table.total() != waited || waited < marked || waited < before + 1) {
        FAIL("the sum fell: X stopped at " << x_steps << ", Y at " << y_steps);
      }
      finish(*y);
      if (table.total() != before + 2 || !table.consistent()) {
        FAIL("X stopped at " << x_steps << ", Y at " << y_steps << ": " << table.total() << " events of " << before + 2
                             << (table.consistent() ? "" : ", not consistent") << "; " << capacity << x_pid << y_pid);
      }
      // Everything can be ended, again and again.
      again.insert(1);
      for (const std::uint64_t pid : {x_pid, y_pid}) {
        again.insert(static_cast<std::uint32_t>(pid));
      }
      for (const std::uint32_t pid : again) {
        if (!table.mark(pid).empty()) {
          FAIL("a row is being inserted for ever");
        }
      }
      table.collect();
      if (table.exited() + table.other() != before + 2 || !table.consistent()) {
        FAIL("not all of it could be ended");
      }
    }
  }
}

TEST_CASE("no event is lost or counted twice, wherever a retirement meets two programs") {
  interleave(2, 1, 1, true);   // the same process: ended, and there again
  interleave(2, 1, 1, false);  // its first event
  interleave(2, 2, 1, true);   // another one that begins
  interleave(2, 1, 2, true);
  interleave(1, 2, 1, true);  // no room
}

}  // namespace
}  // namespace tpx::reader
