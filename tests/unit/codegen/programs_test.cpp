// Whole programs on events of a recorded kernel: defects that random configurations found stay fixed.

#include <linux/bpf.h>

#include <cstring>
#include <random>

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/expectation.h"
#include "support/fixtures.h"
#include "support/interpreted_plan.h"

namespace tpx::test {
namespace {

using Rows = std::map<std::vector<std::string>, std::vector<std::uint64_t>>;

kernel::Kernel recorded(const std::string& release) {
  const kernel::Features features =
      release == "5.10" ? kernel::features_of_release(5, 10) : kernel::features_of_release(6, 1);
  auto kernel = kernel::recorded_kernel(recorded_directory(release), features);
  REQUIRE(kernel.has_value());
  return *kernel;
}

class Bench {
 public:
  Bench(const std::string& metrics, const std::string& release = "6.1", bool classic = false)
      : kernel_(recorded(release)), random_(1), maker_(random_, kernel_) {
    const config::Loaded loaded = config::parse("a.yaml", "namespace: \"\"\nmetrics:\n" + metrics);
    INFO(config::render(loaded.errors, loaded.config));
    REQUIRE(loaded.errors.empty());
    plan::Options options;
    options.decoders = decode::signatures();
    if (classic) {
      options.force_attach = plan::AttachType::Classic;
    }
    plan::Plan plan = plan::make_plan(loaded.config, kernel_, options);
    for (const plan::Rejected& rejected : plan.rejected) {
      FAIL(rejected.error.message);
    }
    auto compiled = InterpretedPlan::compile(std::move(plan), kernel_);
    INFO((compiled ? "" : compiled.error().message));
    REQUIRE(compiled.has_value());
    compiled_ = std::move(*compiled);
  }

  Event& make(const std::string& tracepoint) {
    const auto slash = tracepoint.find('/');
    const auto format = kernel_.tracefs.format(tracepoint.substr(0, slash), tracepoint.substr(slash + 1));
    REQUIRE(format.has_value());
    events_.push_back(maker_.make(std::make_shared<const kernel::Format>(*format)));
    return *events_.back();
  }

  /// Sets a field of the record alone: for classic programs.
  static void set(Event& event, const char* field, std::uint64_t value) {
    const kernel::Field* found = event.format->find(field);
    REQUIRE(found != nullptr);
    std::memcpy(event.record.data() + found->offset, &value, found->size);
  }

  void happen(Event& event) {
    const auto ran = compiled_->happen(event);
    INFO((ran ? "" : ran.error().message));
    REQUIRE(ran.has_value());
  }

  Rows rows() {
    Rows rows;
    for (const auto& [key, words] : compiled_->rows(0)) {
      rows[labels_of(key, compiled_->plan().metrics[0].plan.key)] = words;
    }
    return rows;
  }

  InterpretedPlan& compiled() { return *compiled_; }

 private:
  kernel::Kernel kernel_;
  std::mt19937_64 random_;
  RandomEvents maker_;
  std::vector<std::unique_ptr<Event>> events_;
  std::unique_ptr<InterpretedPlan> compiled_;
};

void name(Event& event, const std::string& comm) {
  event.comm = comm;
}

TEST_CASE("unsigned histogram values above INT64_MAX are in the right bucket") {
  Bench bench(
      "  - {name: a, type: histogram, tracepoint: syscalls/sys_enter_write, value: args.count, "
      "buckets: [-1, 0, 9223372036854775807, 1e19, 1.8e19]}\n",
      "6.1", true);
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63U,
                                    (std::uint64_t{1} << 63U) + 2048, std::uint64_t{17'000'000'000'000'000'000U}}) {
    Event& event = bench.make("syscalls/sys_enter_write");
    Bench::set(event, "count", value);
    bench.happen(event);
  }
  // 9223372036854775807 is no double: the bound reads as 2^63.
  const std::vector<std::uint64_t> words = bench.rows().at({});
  CHECK(std::vector<std::uint64_t>(words.begin(), words.begin() + 6) == std::vector<std::uint64_t>{0, 1, 2, 1, 1, 1});
}

TEST_CASE("signed histogram values below all bounds are in the first bucket, their sum is negative") {
  Bench bench("  - {name: a, type: histogram, tracepoint: raw_syscalls/sys_exit, value: args.ret, buckets: [0, 10]}\n",
              "6.1", true);
  for (const std::int64_t value : {std::int64_t{-5}, INT64_MIN, std::int64_t{10}, INT64_MAX}) {
    Event& event = bench.make("raw_syscalls/sys_exit");
    Bench::set(event, "ret", static_cast<std::uint64_t>(value));
    bench.happen(event);
  }
  CHECK(bench.rows().at({}) == std::vector<std::uint64_t>{2, 1, 1, 4, 0});
}

TEST_CASE("a gauge is set to 1 and a histogram observes 1 without a value") {
  // A regression: the program read what it had not written.
  for (const char* kind : {"gauge", "histogram, buckets: [0, 1]"}) {
    Bench bench(std::string("  - {name: a, tracepoint: raw_syscalls/sys_exit, type: ") + kind + "}\n");
    bench.happen(bench.make("raw_syscalls/sys_exit"));
    const std::vector<std::uint64_t> words = bench.rows().at({});
    CHECK((words == std::vector<std::uint64_t>{1, 1} || words == std::vector<std::uint64_t>{0, 1, 0, 1, 0}));
  }
}

TEST_CASE("str() of the thread's name keeps as many bytes as asked for") {
  // A regression: bpf_get_current_comm was asked for whole words.
  for (const char* release : {"5.10", "6.1"}) {
    Bench bench("  - {name: a_total, tracepoint: raw_syscalls/sys_exit, labels: {l: 'str(comm, 3)'}}\n", release, true);
    Event& event = bench.make("raw_syscalls/sys_exit");
    const std::string comm = event.comm.substr(0, 3);
    bench.happen(event);
    CHECK(bench.rows().contains({comm}));
  }
}

TEST_CASE("a comparison of texts inside of a comparison of texts") {
  // A regression: both used the same room on the stack.
  Bench bench(
      "  - name: a_total\n    tracepoint: raw_syscalls/sys_exit\n"
      "    filter: 'if(comm == \"alpha\", \"12345678\", \"b\") == if(comm == \"alpha\", \"12345678\", \"c\")'\n",
      "5.10", true);
  for (const char* comm : {"alpha", "beta", "alpha"}) {
    Event& event = bench.make("raw_syscalls/sys_exit");
    name(event, comm);
    bench.happen(event);
  }
  CHECK(bench.rows().at({}).front() == 2);
}

TEST_CASE("a full hash counts as full where a helper's answer has 32 bits") {
  // A regression: Linux 5.10 and 6.1 leave the upper half of -E2BIG as it was, and it counted as busy.
  for (const std::uint64_t upper : {std::uint64_t{0}, std::uint64_t{0xffff'ffffU}, std::uint64_t{0x1234U}}) {
    Bench bench("  - {name: a_total, tracepoint: raw_syscalls/sys_exit, labels: {l: args.ret}, max_series: 2}\n",
                "5.10", true);
    REQUIRE(bench.compiled().plan().metrics[0].plan.store.kind == schema::StoreKind::PerCpuHash);
    Helper& update = bench.compiled().kernel().helpers.at(BPF_FUNC_map_update_elem);
    update.run = [kernels = update.run, upper](const Arguments& arguments) {
      return upper << 32U | static_cast<std::uint32_t>(kernels(arguments));
    };
    for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U}) {
      Event& event = bench.make("raw_syscalls/sys_exit");
      Bench::set(event, "ret", key);
      bench.happen(event);
    }
    CHECK(bench.compiled().lost(0, schema::LostReason::OtherFull) == 2);
    CHECK(bench.compiled().lost(0, schema::LostReason::OtherBusy) == 0);
  }
}

TEST_CASE("a pair loads before Linux 5.12, and counts") {
  // A regression: a label without a place, so that no pair was ever loaded there.
  Bench bench(
      "  - name: a_total\n    from: {tracepoint: raw_syscalls/sys_enter, key: tid}\n"
      "    to: {tracepoint: raw_syscalls/sys_exit, key: tid}\n",
      "5.10", true);
  Event& start = bench.make("raw_syscalls/sys_enter");
  Event& end = bench.make("raw_syscalls/sys_exit");
  start.tid = end.tid = 5;
  start.nanoseconds = 1000;
  end.nanoseconds = 1700;
  bench.happen(start);
  bench.happen(end);
  CHECK(bench.rows().at({}).front() == 700);
}

TEST_CASE("a value kept by starts of different types is read as it was") {
  // A regression: the end read 8 bytes where a start had stored 4, and strings beyond what was zeroed.
  Bench bench(
      "  - name: a_total\n    from:\n"
      "      - {tracepoint: signal/signal_generate, key: 1}\n"
      "      - {tracepoint: signal/signal_deliver, key: 1}\n"
      "    to: {tracepoint: raw_syscalls/sys_exit, key: 1}\n"
      "    labels: {code: from.args.code, probe: from.probe}\n",
      "6.1", true);
  Event& start = bench.make("signal/signal_generate");
  Bench::set(start, "code", static_cast<std::uint32_t>(-6));
  start.nanoseconds = 10;
  Event& end = bench.make("raw_syscalls/sys_exit");
  end.nanoseconds = 30;
  bench.happen(start);
  bench.happen(end);
  CHECK(bench.rows().at({"-6", "0"}).front() == 20);

  Bench mixed(
      "  - name: a_total\n    from:\n"
      "      - {tracepoint: raw_syscalls/sys_enter, key: 1}\n"
      "      - {tracepoint: raw_syscalls/sys_exit, key: 1}\n"
      "    to: {tracepoint: signal/signal_generate, key: 1}\n"
      "    labels: {id: 'from.args.id', text: 'str(from.comm, 3)'}\n",
      "6.1", true);
  Event& call = mixed.make("raw_syscalls/sys_exit");
  Bench::set(call, "id", static_cast<std::uint64_t>(-1));
  Event& generated = mixed.make("signal/signal_generate");
  call.nanoseconds = 1;
  generated.nanoseconds = 4;
  mixed.happen(call);
  mixed.happen(generated);
  CHECK(mixed.rows().at({"-1", call.comm.substr(0, 3)}).front() == 3);
}

TEST_CASE("an end that the filter of `to` refuses ends its pair uncounted, with and without compare-and-swap") {
  // 5.10 has none. Keys of 4 and of 8 bytes.
  for (const char* release : {"5.10", "6.1"}) {
    for (const char* key : {"cpu", "cpu + 0"}) {
      INFO(release << ", key " << key);
      Bench bench(std::string("  - {name: a_total, from: {tracepoint: syscalls/sys_enter_futex, key: ") + key +
                      ", filter: args.val == 1}, to: {tracepoint: syscalls/sys_exit_futex, key: " + key +
                      ", filter: args.ret >= 0}, labels: {start: from.args.val}}\n",
                  release, true);
      const auto happen = [&](const char* tracepoint, std::uint64_t time, const char* field, std::uint64_t value) {
        Event& event = bench.make(tracepoint);
        Bench::set(event, field, value);
        event.nanoseconds = time;
        event.cpu = 0;
        bench.happen(event);
      };
      const auto rows = [&] {
        std::vector<std::uint64_t> sums;
        for (const auto& [labels, words] : bench.rows()) {
          sums.push_back(words.front());
        }
        return sums;
      };
      constexpr auto kTimedOut = static_cast<std::uint64_t>(-110);
      happen("syscalls/sys_enter_futex", 10, "val", 1);
      happen("syscalls/sys_exit_futex", 20, "ret", kTimedOut);
      happen("syscalls/sys_enter_futex", 1000, "val", 0);
      happen("syscalls/sys_exit_futex", 1001, "ret", 0);          // of a call that was no start
      happen("syscalls/sys_exit_futex", 1002, "ret", kTimedOut);  // neither
      CHECK(rows().empty());
      CHECK(bench.compiled().lost(0, schema::LostReason::PairNoStart) == 1);
      happen("syscalls/sys_enter_futex", 2000, "val", 1);
      happen("syscalls/sys_exit_futex", 2007, "ret", 0);
      CHECK(rows() == std::vector<std::uint64_t>{7});
      CHECK(bench.compiled().lost(0, schema::LostReason::PairRestart) == 0);
    }
  }
}

TEST_CASE("a refused end that starts a pair of the same key displaces the start before it, which is counted") {
  // power/cpu_idle begins an idle state and, with state -1, ends it.
  Bench bench(
      "  - {name: a_total, from: {tracepoint: power/cpu_idle, key: args.cpu_id, filter: args.state != 4294967295},\n"
      "     to: {tracepoint: power/cpu_idle, key: args.cpu_id, filter: args.state == 4294967295}}\n",
      "6.1", true);
  const auto happen = [&](std::uint64_t time, std::uint64_t state) {
    Event& event = bench.make("power/cpu_idle");
    Bench::set(event, "cpu_id", 1);
    Bench::set(event, "state", state);
    event.nanoseconds = time;
    bench.happen(event);
  };
  happen(10, 1);
  happen(15, 2);  // the end of the first was missed
  happen(22, 4294967295);
  happen(30, 4294967295);
  CHECK(bench.rows().at({}).front() == 7);
  CHECK(bench.compiled().lost(0, schema::LostReason::PairRestart) == 1);
  CHECK(bench.compiled().lost(0, schema::LostReason::PairNoStart) == 1);
}

TEST_CASE("a tracepoint that ends and starts a pair does both in one program") {
  // A regression: the start's fields could be had from the raw arguments and the end's could not; two programs, in the
  // wrong order.
  Bench bench(
      "  - name: a_total\n    from: {tracepoint: syscalls/sys_enter_close, key: 1}\n"
      "    to: {tracepoint: syscalls/sys_enter_close, key: 1, filter: args.__syscall_nr >= 0}\n");
  CHECK(bench.compiled().plan().programs.size() == 1);
  for (const std::uint64_t time : {std::uint64_t{100}, std::uint64_t{300}, std::uint64_t{350}}) {
    Event& event = bench.make("syscalls/sys_enter_close");
    event.nanoseconds = time;
    bench.happen(event);
  }
  CHECK(bench.rows().at({}).front() == 250);
  CHECK(bench.compiled().lost(0, schema::LostReason::PairNoStart) == 1);
}

}  // namespace
}  // namespace tpx::test
