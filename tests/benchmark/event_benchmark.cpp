// What an event costs, in CPU nanoseconds added to the loop that makes it: this exporter beside an empty program on the
// same attach points, hand-written C and bpftrace. Each is attached and detached several times in turn; its slices are
// bracketed by detached ones. Prints a table and writes build/bench.json; no pass or fail. An argument runs only the cases
// whose name holds it.
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "support/contender.h"
#include "support/report.h"
#include "support/statistics.h"
#include "support/workload.h"

namespace {

using namespace tpx;
using namespace tpx::benchmark;

struct Case {
  const char* name;
  const char* usual;
  Workload workload;
  int events;
  int keys;  ///< of bpftrace's maps
  const char* yaml;
  const char* script;
};

constexpr int kSlices = 9;
constexpr int kRounds = 15;

constexpr std::array kCases{
    Case{"switches by pid, comm", "switches_pid_comm", Workload::Switches, 5000, 10240, R"(metrics:
  - name: switches_total
    tracepoint: sched/sched_switch
    labels: {pid: pid, comm: comm}
)",
         "tracepoint:sched:sched_switch { @[pid, comm] = count(); }"},
    Case{"one syscall by pid", "syscall_pid", Workload::Getppid, 50000, 10240, R"(metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_getppid
    labels: {pid: pid}
)",
         "tracepoint:syscalls:sys_enter_getppid { @[pid] = count(); }"},
    Case{"one syscall by pid, comm", "syscall_pid_comm", Workload::Getppid, 50000, 10240, R"(metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_getppid
    labels: {pid: pid, comm: comm}
)",
         "tracepoint:syscalls:sys_enter_getppid { @[pid, comm] = count(); }"},
    Case{"all syscalls by name", "syscalls_by_name", Workload::Getppid, 50000, 1024, R"(metrics:
  - name: calls_total
    tracepoint: raw_syscalls/sys_enter
    labels: {syscall: syscall(args.id)}
    max_series: 1024
)",
         "tracepoint:raw_syscalls:sys_enter { @[args->id] = count(); }"},
    Case{"four metrics of switches", "four_metrics", Workload::Switches, 5000, 10240, R"(metrics:
  - name: switches_total
    tracepoint: sched/sched_switch
    labels: {pid: pid, comm: comm}
  - name: preempted_total
    tracepoint: sched/sched_switch
    filter: (args.prev_state & 0xff) == 0
    labels: {pid: pid, comm: comm}
  - name: waited_total
    tracepoint: sched/sched_switch
    filter: args.prev_prio < 140
    labels: {pid: pid, comm: comm}
  - name: priorities_total
    tracepoint: sched/sched_switch
    value: args.prev_prio
    labels: {pid: pid, comm: comm}
)",
         "tracepoint:sched:sched_switch { @a[pid, comm] = count(); if ((args->prev_state & 0xff) == 0) { @b[pid, comm] "
         "= "
         "count(); } if (args->prev_prio < 140) { @c[pid, comm] = count(); } @d[pid, comm] = sum(args->prev_prio); }"},
    Case{"log2 histogram by pid", "log2_histogram", Workload::CloseSame, 50000, 10240, R"(metrics:
  - name: descriptors
    type: histogram
    tracepoint: syscalls/sys_enter_close
    value: args.fd
    labels: {pid: pid}
    buckets: {exponential: {start: 1, factor: 2, count: 32}}
)",
         "tracepoint:syscalls:sys_enter_close { @[pid] = hist(args->fd); }"},
    Case{"syscall latency by name", "latency_pair", Workload::Getppid, 50000, 65536, R"(metrics:
  - name: syscall_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid}
    to: {tracepoint: raw_syscalls/sys_exit, key: tid}
    labels: {syscall: syscall(from.args.id)}
    buckets: {exponential: {start: 1e-9, factor: 2, count: 32}}
    max_series: 1024
)",
         "tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; @number[tid] = args->id; } "
         "tracepoint:raw_syscalls:sys_exit / @start[tid] / { @[@number[tid]] = hist(nsecs - @start[tid]); "
         "delete(@start[tid]); delete(@number[tid]); }"},
    Case{"10,000 live keys", "keys_10000", Workload::CloseTenThousand, 50000, 16384, R"(metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_close
    labels: {fd: args.fd}
    max_series: 16384
)",
         "tracepoint:syscalls:sys_enter_close { @[args->fd] = count(); }"},
    Case{"new keys", "new_keys", Workload::CloseNew, 20000, 262144, R"(metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_close
    labels: {fd: args.fd}
    max_series: 262144
)",
         "tracepoint:syscalls:sys_enter_close { @[args->fd] = count(); }"},
    Case{"full map", "full_map", Workload::CloseTenThousand, 50000, 1000, R"(metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_close
    labels: {fd: args.fd}
    max_series: 1000
)",
         "tracepoint:syscalls:sys_enter_close { @[args->fd] = count(); }"},
};

void slices(const Case& test, std::vector<double>& times) {
  for (int slice = 0; slice < kSlices; ++slice) {
    times.push_back(run(test.workload, test.events));
  }
}

/// What a round saw: nanoseconds an event.
struct Round {
  double detached = 0;
  double attached = 0;
};

/// The first slice attached only warms up.
Result<Round> measure(const Case& test, const Contender& contender) {
  std::vector<double> detached;
  std::vector<double> attached;
  slices(test, detached);
  auto attachment = contender.attach();
  if (!attachment) {
    return fail(std::move(attachment.error()));
  }
  static_cast<void>(run(test.workload, test.events));
  slices(test, attached);
  attachment->reset();
  slices(test, detached);
  return Round{median(detached), median(attached)};
}

using Row = std::map<std::string, double>;

/// Nanoseconds that each contender adds to an event. The clock of a virtual machine moves by a quarter from one moment to
/// the next and takes everything along: what counts of a round is the share that was added to the loop, of all rounds the
/// median, and that share of the loop's own median is the result.
Row measure(const Case& test, const std::vector<Contender>& contenders) {
  std::map<std::string, std::vector<double>> added;
  std::vector<double> loop;
  for (int round = 0; round < kRounds; ++round) {
    for (const Contender& contender : contenders) {
      if (round >= contender.rounds) {
        continue;
      }
      if (const auto seen = measure(test, contender)) {
        added[contender.name].push_back(seen->attached / seen->detached - 1);
        loop.push_back(seen->detached);
      } else if (round == 0) {
        std::fprintf(stderr, "%s: no %s: %s; %s\n", test.name, contender.name.c_str(), seen.error().message.c_str(),
                     seen.error().hint.c_str());
      }
    }
  }
  Row row;
  for (const auto& [name, shares] : added) {
    row[name] = median(shares) * median(loop);
  }
  return row;
}

void print(const char* name, const Row& row) {
  const auto ratio = [&](const std::string& contender) {
    const auto ours = row.find("exporter");
    const auto found = row.find(contender);
    if (ours == row.end() || found == row.end()) {
      std::printf("%9s", "-");
    } else {
      std::printf("%9.2f", ours->second / found->second);
    }
  };
  std::printf("%-26s", name);
  for (const char* contender :
       {"empty", "empty, array + 1", "exporter", "exporter, no slot", "hand-written C", "bpftrace"}) {
    if (const auto found = row.find(contender); found != row.end()) {
      std::printf("%12.0f", found->second);
    } else {
      std::printf("%12s", "-");
    }
  }
  ratio("empty, array + 1");
  ratio("hand-written C");
  ratio("bpftrace");
  std::printf("\n");
  std::fflush(stdout);
}

Result<Row> measure(const Case& test, const kernel::Kernel& kernel) {
  auto ours = exporter(test.yaml, kernel, Attached::Slot);
  auto direct = exporter(test.yaml, kernel, Attached::Directly);
  auto points = attach_points(test.yaml, kernel);
  if (!ours || !direct || !points) {
    return fail(!ours ? ours.error() : !direct ? direct.error() : points.error());
  }
  return measure(test, {empty_program(*points, false), empty_program(*points, true), *ours, *direct,
                        usual_c(test.usual), bpftrace(test.script, test.keys)});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  const auto kernel = kernel::running_kernel({});
  if (!kernel) {
    std::fprintf(stderr, "%s\n", kernel.error().message.c_str());
    return 1;
  }
  std::printf("CPU ns added to an event\n%-26s%12s%12s%12s%12s%12s%12s%9s%9s%9s\n", "", "empty", "array + 1",
              "exporter", "no slot", "C by hand", "bpftrace", "/array+1", "/C", "/bpftrace");
  nlohmann::json all = nlohmann::json::object();
  for (const Case& test : kCases) {
    if (std::string(test.name).find(wanted) == std::string::npos) {
      continue;
    }
    auto row = measure(test, *kernel);
    if (!row) {
      std::fprintf(stderr, "%s: %s\n", test.name, row.error().message.c_str());
      return 1;
    }
    print(test.name, *row);
    all[test.name] = *row;
  }
  report("events, ns added", all);
  return 0;
}
