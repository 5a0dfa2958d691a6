// Rows of the event.field table: tasks, signals, network, memory, timers. See field_table_test.cpp for the scheduler,
// interrupts and system calls.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/unique_fd.h"
#include "catch.h"
#include "kernel/support/both_types.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"
#include "skip.h"
#include "typed/field_table.h"

namespace tpx::test {
namespace {

std::string by(const Workload& workload) {
  return "tid == " + std::to_string(workload.pid());
}

TEST_CASE("the births and deaths of tasks give by arguments what their records say", "[kernel]") {
  Workload newtask("fork_children", {"23"});
  compare(
      "task/task_newtask", "pid: args.pid, comm: args.comm, flags: args.clone_flags, oom_score_adj: args.oom_score_adj",
      by(newtask), [&] { newtask.run(); }, 23);
  Workload fork("fork_children", {"29"});
  compare(
      "sched/sched_process_fork",
      "parent_comm: args.parent_comm, parent_pid: args.parent_pid, child_comm: args.child_comm, child_pid: "
      "args.child_pid",
      by(fork), [&] { fork.run(); }, 29);
  Workload threads("threads", {"31"});
  // Before 6.14 the event does not say whether it was the last thread.
  const bool says_group = this_kernel().tracefs.format("sched", "sched_process_exit")->find("group_dead") != nullptr;
  compare(
      "sched/sched_process_exit",
      std::string("comm: args.comm, pid: args.pid, prio: args.prio") +
          (says_group ? ", group_dead: args.group_dead" : ""),
      "pid == " + std::to_string(threads.pid()), [&] { threads.run(); }, 31);
}

TEST_CASE("sched_process_exec's arguments give what its record says", "[kernel]") {
  const std::string program = "/usr/bin/env";
  // Longer than is kept of a string.
  const std::string longer = "/usr/bin/" + std::string(40, '/') + std::string(40, '/') + "env";
  compare(
      "sched/sched_process_exec", "filename: args.filename, pid: args.pid, old_pid: args.old_pid",
      "ppid == " + std::to_string(getpid()),
      [&] {
        for (const std::string& path : {program, longer}) {
          const pid_t child = fork();
          if (child == 0) {
            execl(path.c_str(), "env", "true", nullptr);
            _exit(127);
          }
          int status = 0;
          waitpid(child, &status, 0);
          CHECK(status == 0);
        }
      },
      2);
}

TEST_CASE("sched_migrate_task's arguments give what its record says", "[kernel]") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  if (CPU_COUNT(&before) < 2) {
    skip("one CPU: no task moves");
    return;
  }
  compare(
      "sched/sched_migrate_task",
      "comm: args.comm, pid: args.pid, prio: args.prio, orig_cpu: args.orig_cpu, dest_cpu: args.dest_cpu",
      "args.pid == " + std::to_string(gettid()),
      [&] {
        for (int round = 0; round < 20; ++round) {
          for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &before)) {
              cpu_set_t one;
              CPU_ZERO(&one);
              CPU_SET(cpu, &one);
              sched_setaffinity(0, sizeof one, &one);
            }
          }
        }
        sched_setaffinity(0, sizeof before, &before);
      },
      10);
}

TEST_CASE("signals' arguments give what their records say", "[kernel]") {
  Workload generate("signals", {"37"});
  compare(
      "signal/signal_generate", "sig: args.sig, comm: args.comm, pid: args.pid, group: args.group, result: args.result",
      by(generate), [&] { generate.run(); }, 37);
  Workload deliver("signals", {"41"});
  compare(
      "signal/signal_deliver", "sig: args.sig, handler: args.sa_handler, flags: args.sa_flags", by(deliver),
      [&] { deliver.run(); }, 41);
}

TEST_CASE("packets' arguments give what their records say", "[kernel]") {
  for (const char* event : {"net/netif_receive_skb", "net/net_dev_queue"}) {
    Workload workload("udp_send", {"499", "64", "127.0.0.1", "9"});
    // What is received may be so in the context of ksoftirqd.
    compare(
        event, "skb: args.skbaddr, len: args.len, name: args.name", by(workload), [&] { workload.run(); },
        event == std::string_view("net/net_dev_queue") ? 499 : 1);
  }
  Workload workload("udp_send", {"499", "64", "127.0.0.1", "9"});
  compare(
      "net/net_dev_xmit", "skb: args.skbaddr, len: args.len, rc: args.rc, name: args.name", by(workload),
      [&] { workload.run(); }, 499);
}

TEST_CASE("the end of packets gives by arguments what the records say", "[kernel]") {
  // Datagrams to a port where nobody listens are dropped; the answers that say so are consumed.
  const bool has_reason = this_kernel().tracefs.format("skb", "kfree_skb")->find("reason") != nullptr;
  Workload dropped("udp_send", {"499", "64", "127.0.0.1", "9"});
  compare(
      "skb/kfree_skb",
      std::string("skb: args.skbaddr, location: args.location") + (has_reason ? ", reason: args.reason" : ""),
      by(dropped), [&] { dropped.run(); }, 1);
  const bool has_location = this_kernel().tracefs.format("skb", "consume_skb")->find("location") != nullptr;
  Workload consumed("udp_send", {"499", "64", "127.0.0.1", "9"});
  compare(
      "skb/consume_skb", std::string("skb: args.skbaddr") + (has_location ? ", location: args.location" : ""),
      by(consumed), [&] { consumed.run(); }, 1);
}

/// A connection to a queue that is full: its SYN is sent again after a second, and after two more. (One of the two
/// timers may meet a task in which this kernel fires no tracepoint: hidden_switches().)
void send_syn_again() {
  const UniqueFd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(server.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(server.get(), 0) == 0);
  REQUIRE(getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&address), length));
  }
  tcp_info info{};
  for (int tries = 0; info.tcpi_total_retrans < 2 && tries < 2000; ++tries) {
    usleep(10'000);
    socklen_t size = sizeof info;
    REQUIRE(getsockopt(clients.back().get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  }
  REQUIRE(info.tcpi_total_retrans >= 2);
}

TEST_CASE("tcp_retransmit_skb's arguments give what its record says", "[kernel]") {
  compare("tcp/tcp_retransmit_skb", "state: args.state, family: args.family", "args.state == 2 && args.family == 2",
          send_syn_again, 1);
}

TEST_CASE("memory's arguments give what its records say", "[kernel]") {
  struct Event {
    const char* name;
    const char* fields;
  };
  for (const Event& event :
       {Event{"kmem/mm_page_alloc", "order: args.order, flags: args.gfp_flags, type: args.migratetype"},
        Event{"kmem/mm_page_free", "order: args.order"}, Event{"kmem/kfree", "site: args.call_site, ptr: args.ptr"},
        Event{"kmem/kmem_cache_alloc", "site: args.call_site, ptr: args.ptr, flags: args.gfp_flags"}}) {
    Workload workload("fork_children", {"19"});
    const std::string pid = std::to_string(workload.pid());
    // Its children too, who give back their memory themselves.
    compare(event.name, event.fields, "tid == " + pid + " || ppid == " + pid, [&] { workload.run(); }, 19);
  }
}

TEST_CASE("timers' arguments give what their records say", "[kernel]") {
  Workload workload("context_switches", {"97"});  // short sleeps
  compare(
      "timer/hrtimer_start", "timer: args.hrtimer, function: args.function, mode: args.mode", by(workload),
      [&] { workload.run(); }, 97);
}

TEST_CASE("timers' interrupts give by arguments what their records say", "[kernel]") {
  compare_for_a_while("timer/hrtimer_expire_entry", "timer: args.hrtimer, function: args.function", 1);
  compare_for_a_while("timer/hrtimer_expire_exit", "timer: args.hrtimer", 1);
#if defined(__x86_64__)
  compare_for_a_while("irq_vectors/local_timer_entry", "vector: args.vector", 1);
#endif
}

TEST_CASE("tests compare every row of the event.field table", "[kernel]") {
  const std::set<std::string_view> compared = {"sched/sched_switch",
                                               "sched/sched_waking",
                                               "sched/sched_wakeup*",
                                               "irq/softirq_*",
                                               "irq/irq_handler_entry",
                                               "irq/irq_handler_exit",
                                               "raw_syscalls/sys_enter",
                                               "raw_syscalls/sys_exit",
                                               "task/task_newtask",
                                               "sched/sched_process_fork",
                                               "sched/sched_process_exec",
                                               "sched/sched_process_exit",
                                               "sched/sched_migrate_task",
                                               "signal/signal_generate",
                                               "signal/signal_deliver",
                                               "net/netif_receive_skb",
                                               "net/net_dev_queue",
                                               "net/net_dev_xmit",
                                               "tcp/tcp_retransmit_skb",
                                               "skb/consume_skb",
                                               "skb/kfree_skb",
                                               "kmem/mm_page_alloc",
                                               "kmem/mm_page_free",
                                               "kmem/kfree",
                                               "kmem/kmem_cache_alloc",
                                               "timer/hrtimer_start",
                                               "timer/hrtimer_expire_entry",
                                               "timer/hrtimer_expire_exit",
                                               "irq_vectors/local_timer_*"};
  // The groups of rows behind the first are compared by field_table_{block,storage,system}_test.cpp, all fields at once.
  for (const typed::FieldRow& row : typed::field_table().front()) {
    INFO(row.event);
    CHECK(compared.contains(row.event));
  }
}

}  // namespace
}  // namespace tpx::test
