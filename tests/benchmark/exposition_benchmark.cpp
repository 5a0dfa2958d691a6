// What a scrape costs from a snapshot to text, per series, beside prometheus-cpp's serializer on the same data. Each line
// is measured in a process of its own, so that its peak of memory is its own. Prints a table; no pass or fail.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
#include <string>
#include <vector>

#include "decode/series_table.h"
#include "exposition/gzip_sink.h"
#include "exposition/text_writer.h"

namespace {

using namespace tpx;

struct Key {
  std::uint32_t pid = 0;
  std::uint32_t padding = 0;
  char comm[16] = {};
};

class PidComm : public decode::LabelSource {
 public:
  bool decode(std::span<const std::byte> key, std::vector<std::string>& out) override {
    Key fields;
    std::memcpy(&fields, key.data(), sizeof fields);
    out.resize(2);
    out[0] = std::to_string(fields.pid);
    out[1].assign(fields.comm, strnlen(fields.comm, sizeof fields.comm));
    return true;
  }
  [[nodiscard]] bool stable() const override { return true; }
};

class CountingSink : public exposition::ChunkSink {
 public:
  bool write(std::string_view piece) override {
    bytes += piece.size();
    return true;
  }
  std::size_t bytes = 0;
};

schema::MetricSchema make_plan(bool histogram) {
  schema::MetricSchema plan;
  plan.name = histogram ? "tracepoint_wait_seconds" : "tracepoint_context_switches_total";
  plan.help = "Times a thread was switched off a CPU.";
  plan.key.fields.resize(2);
  plan.key.fields[0].label = "pid";
  plan.key.fields[1].label = "comm";
  plan.key.size = sizeof(Key);
  if (histogram) {
    plan.value.kind = schema::MetricKind::Histogram;
    plan.scale = 1e-9;
    double bound = 1e-6;
    for (std::int64_t i = 0; i < 12; ++i, bound *= 4) {
      plan.value.bounds.push_back(std::int64_t{1000} << (2 * i));
      plan.value.exposed_bounds.push_back(bound);
    }
  }
  return plan;
}

reader::MapSnapshot make_snapshot(const schema::MetricSchema& plan, std::size_t rows) {
  static constexpr std::array kComms = {"nginx", "kworker/0:1", "systemd",         "bash",   "postgres", "java",
                                        "node",  "python3",     "containerd-shim", "kubelet"};
  reader::MapSnapshot snapshot;
  snapshot.key_size = plan.key.size;
  snapshot.value_words = plan.value.words();
  snapshot.row_count = rows;
  snapshot.keys.resize(rows * sizeof(Key));
  snapshot.values.resize(rows * snapshot.value_words);
  snapshot.ids.resize(rows);
  std::uint64_t noise = 1;
  for (std::size_t row = 0; row < rows; ++row) {
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    Key key;
    key.pid = static_cast<std::uint32_t>(1000 + row * 3);
    std::strncpy(key.comm, kComms[(noise >> 40U) % kComms.size()], sizeof key.comm - 1);
    std::memcpy(snapshot.keys.data() + row * sizeof(Key), &key, sizeof key);
    for (std::size_t word = 0; word + (snapshot.value_words > 1 ? 1 : 0) < snapshot.value_words; ++word) {
      snapshot.values[row * snapshot.value_words + word] = noise >> (40 + noise % 20);
    }
    snapshot.ids[row] = static_cast<std::uint32_t>(row);
  }
  return snapshot;
}

void count_more(reader::MapSnapshot& snapshot) {
  for (std::size_t row = 0; row < snapshot.rows(); ++row) {
    snapshot.values[row * snapshot.value_words] += row % 7;
  }
}

struct Measured {
  double first = 0;   ///< ns
  double steady = 0;  ///< ns, median
  double steady_gzip = 0;
  std::size_t bytes = 0;
  std::size_t gzip_bytes = 0;
  std::size_t cache = 0;
  long peak_kb = 0;  ///< above what the snapshot took
};

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

long peak_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

constexpr int kRounds = 9;

Measured measure_ours(const schema::MetricSchema& plan, reader::MapSnapshot& snapshot) {
  Measured result;
  const long before = peak_kb();
  PidComm source;
  decode::SeriesTable table(plan.key, plan.value, source);
  const auto scrape = [&](exposition::ChunkSink& sink) {
    exposition::TextWriter writer(sink, exposition::TextFormat::Prometheus);
    writer.metric(plan, table.update(snapshot));
    if (!writer.finish()) {
      std::abort();
    }
  };
  std::vector<double> plain;
  std::vector<double> gzip;
  for (int round = 0; round <= kRounds; ++round) {
    CountingSink sink;
    const double start = cpu_ns();
    scrape(sink);
    (round == 0 ? result.first : plain.emplace_back()) = cpu_ns() - start;
    result.bytes = sink.bytes;
    count_more(snapshot);
  }
  result.peak_kb = peak_kb() - before;
  for (int round = 0; round < kRounds; ++round) {
    CountingSink sink;
    const double start = cpu_ns();
    exposition::GzipSink compressed(sink);
    scrape(compressed);
    if (!compressed.finish()) {
      std::abort();
    }
    gzip.push_back(cpu_ns() - start);
    result.gzip_bytes = sink.bytes;
    count_more(snapshot);
  }
  result.steady = median(plain);
  result.steady_gzip = median(gzip);
  result.cache = table.bytes();
  return result;
}

// As an exporter on prometheus-cpp does it: families collected from the rows, then serialized into a string.
Measured measure_prometheus_cpp(const schema::MetricSchema& plan, reader::MapSnapshot& snapshot) {
  Measured result;
  const long before = peak_kb();
  PidComm source;
  std::vector<std::string> texts;
  std::vector<double> times;
  for (int round = 0; round < 3; ++round) {
    const double start = cpu_ns();
    std::vector<prometheus::MetricFamily> families(1);
    families[0].name = plan.name;
    families[0].help = plan.help;
    families[0].type = prometheus::MetricType::Counter;
    families[0].metric.resize(snapshot.rows());
    for (std::size_t row = 0; row < snapshot.rows(); ++row) {
      static_cast<void>(source.decode(snapshot.key(row), texts));
      families[0].metric[row].label = {{"pid", texts[0]}, {"comm", texts[1]}};
      families[0].metric[row].counter.value = static_cast<double>(snapshot.value(row)[0]);
    }
    result.bytes = prometheus::TextSerializer().Serialize(families).size();
    times.push_back(cpu_ns() - start);
  }
  result.first = times.front();
  result.steady = median(times);
  result.peak_kb = peak_kb() - before;
  return result;
}

template <class Measure>
Measured in_child(bool histogram, std::size_t rows, Measure measure) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::abort();
  }
  const pid_t child = fork();
  if (child == 0) {
    const schema::MetricSchema plan = make_plan(histogram);
    reader::MapSnapshot snapshot = make_snapshot(plan, rows);
    const Measured result = measure(plan, snapshot);
    _exit(write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  close(ends[1]);
  Measured result;
  if (child < 0 || read(ends[0], &result, sizeof result) != sizeof result) {
    std::abort();
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return result;
}

void print(const char* what, std::size_t rows, const Measured& m) {
  const auto per = static_cast<double>(rows);
  std::printf("%-22s %9zu %9.1f %9.1f %9.2f ", what, rows, m.first / per, m.steady / per, m.steady / 1e6);
  if (m.gzip_bytes > 0) {
    std::printf("%9.1f %7.1f ", m.steady_gzip / per, m.steady_gzip / m.steady);
    std::printf("%8.1f ", static_cast<double>(m.bytes) / static_cast<double>(m.gzip_bytes));
  } else {
    std::printf("%9s %7s %8s ", "-", "-", "-");
  }
  std::printf("%9.1f %9.1f\n", static_cast<double>(m.cache) / 1e6, static_cast<double>(m.peak_kb) / 1024);
}

}  // namespace

int main() {
  std::printf("%-22s %9s %9s %9s %9s %9s %7s %8s %9s %9s\n", "", "series", "first ns", "steady ns", "ms", "gzip ns",
              "x plain", "smaller", "cache MB", "peak MiB");
  for (const std::size_t rows : {1000U, 10000U, 100000U, 1000000U}) {
    print("counter", rows, in_child(false, rows, measure_ours));
    print("prometheus-cpp", rows, in_child(false, rows, measure_prometheus_cpp));
  }
  for (const std::size_t rows : {1000U, 10000U, 100000U}) {
    print("histogram, 13 buckets", rows, in_child(true, rows, measure_ours));
  }
  return 0;
}
