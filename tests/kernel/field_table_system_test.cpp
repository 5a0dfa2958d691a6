// Rows of the event.field table: memory, timers, work queues, sockets, signals. Every field that the table gives on this kernel.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "catch.h"
#include "kernel/support/both_types.h"
#include "kernel/support/mapped_fields.h"
#include "kernel/support/workload.h"

namespace tpx::test {
namespace {

std::string by_self() {
  return "tid == " + std::to_string(gettid());
}

TEST_CASE("the slab's arguments give what its records say", "[kernel]") {
  Workload workload("fork_children", {"19"});
  const std::string pid = std::to_string(workload.pid());
  auto events = all_mapped({"kmem/kmalloc", "kmem/kfree", "kmem/kmem_cache_alloc", "kmem/kmem_cache_free",
                            "kmem/mm_page_alloc", "kmem/mm_page_free"},
                           "tid == " + pid + " || ppid == " + pid, 1);
  const auto rare =
      all_mapped({"kmem/mm_page_alloc_zone_locked", "kmem/mm_page_alloc_extfrag", "kmem/mm_page_pcpu_drain"},
                 "tid == " + pid + " || ppid == " + pid, 0);
  events.insert(events.end(), rare.begin(), rare.end());
  compare(events, [&] { workload.run(); });
}

TEST_CASE("compaction's and migration's arguments give what their records say", "[kernel]") {
  compare(all_mapped({"compaction/mm_compaction_begin", "compaction/mm_compaction_end"}, by_self(), 1),
          [] { std::ofstream("/proc/sys/vm/compact_memory") << 1 << std::flush; });
  compare(all_mapped(
              {"compaction/mm_compaction_isolate_migratepages", "compaction/mm_compaction_isolate_freepages",
               "compaction/mm_compaction_migratepages", "migrate/mm_migrate_pages", "migrate/mm_migrate_pages_start"},
              by_self(), 0),
          [] { std::ofstream("/proc/sys/vm/compact_memory") << 1 << std::flush; });
}

TEST_CASE("the arguments of collapsing pages give what the records say", "[kernel]") {
  compare(all_mapped({"huge_memory/mm_collapse_huge_page", "huge_memory/mm_collapse_huge_page_isolate",
                      "huge_memory/mm_khugepaged_scan_pmd"},
                     by_self(), 0),
          [] {
            constexpr std::size_t kHuge = 2 << 20;
            void* memory = mmap(nullptr, 4 * kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            REQUIRE(memory != MAP_FAILED);
            for (std::size_t i = 0; i < 4 * kHuge; i += 4096) {
              static_cast<volatile char*>(memory)[i] = 1;
            }
            madvise(memory, 4 * kHuge, 25);  // MADV_COLLAPSE, since 6.1
            munmap(memory, 4 * kHuge);
          });
}

TEST_CASE("shrinkers' arguments give what their records say", "[kernel]") {
  compare(all_mapped({"vmscan/mm_shrink_slab_start", "vmscan/mm_shrink_slab_end"}, by_self(), 1),
          [] { std::ofstream("/proc/sys/vm/drop_caches") << 2 << std::flush; });
}

TEST_CASE("timers' and work queues' arguments give what their records say, whoever runs them", "[kernel]") {
  const auto work = [] {
    const UniqueFd pipe(open("/dev/null", O_WRONLY | O_CLOEXEC));
    usleep(100);
  };
  compare_for_a_while(all_mapped({"timer/timer_start", "timer/timer_expire_entry", "timer/timer_expire_exit",
                                  "timer/timer_cancel", "timer/hrtimer_start", "timer/hrtimer_expire_entry",
                                  "timer/hrtimer_expire_exit", "timer/hrtimer_cancel"},
                                 {}, 1),
                      work);
  compare_for_a_while(all_mapped({"timer/timer_init", "timer/hrtimer_setup", "timer/hrtimer_init", "timer/tick_stop",
                                  "timer/timer_base_idle"},
                                 {}, 0),
                      work);
  // What is written to a pseudo-terminal goes to its other side by a work item (flush_to_ldisc() of drivers/tty/tty_buffer.c).
  const UniqueFd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(terminal.valid());
  REQUIRE(unlockpt(terminal.get()) == 0);
  compare_for_a_while(all_mapped({"workqueue/workqueue_queue_work", "workqueue/workqueue_activate_work",
                                  "workqueue/workqueue_execute_start", "workqueue/workqueue_execute_end"},
                                 {}, 1),
                      [&] { CHECK(write(terminal.get(), "x", 1) == 1); });
  compare_for_a_while(
      all_mapped({"power/cpu_idle", "power/cpu_frequency", "power/cpu_idle_miss", "sched/sched_stat_runtime",
                  "sched/sched_process_free", "sched/sched_wake_idle_without_ipi", "napi/napi_poll"},
                 {}, 0),
      work);
}

TEST_CASE("interval timers' arguments give what their records say", "[kernel]") {
  struct sigaction ignore{};
  struct sigaction before{};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(sigaction(SIGALRM, &ignore, &before) == 0);
  auto events = all_mapped({"timer/itimer_state"}, by_self(), 2);
  const auto expired = all_mapped({"timer/itimer_expire"}, "args.pid == " + std::to_string(getpid()), 1);
  events.insert(events.end(), expired.begin(), expired.end());
  compare(events, [] {
    itimerval value{{0, 0}, {0, 2'000}};
    CHECK(setitimer(ITIMER_REAL, &value, nullptr) == 0);
    itimerval left{{0, 0}, {1, 0}};
    while (left.it_value.tv_sec != 0 || left.it_value.tv_usec != 0) {
      usleep(1'000);
      REQUIRE(getitimer(ITIMER_REAL, &left) == 0);
    }
    CHECK(setitimer(ITIMER_REAL, &left, nullptr) == 0);
  });
  sigaction(SIGALRM, &before, nullptr);
}

TEST_CASE("the rest of signals', tasks' and the scheduler's arguments give what their records say", "[kernel]") {
  compare(all_mapped({"task/task_rename"}, by_self(), 2), [] {
    CHECK(prctl(PR_SET_NAME, "renamed") == 0);
    CHECK(prctl(PR_SET_NAME, "a name too long for one") == 0);
    CHECK(prctl(PR_SET_NAME, "kernel_tests") == 0);
  });
  // By a process, by the kernel (a broken pipe), by a timer of the kernel's.
  compare(all_mapped({"signal/signal_generate", "sched/sched_process_wait"}, by_self(), 1), [] {
    const pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    close(ends[0]);
    CHECK(write(ends[1], "x", 1) < 0);
    close(ends[1]);
  });
  Workload deliver("signals", {"41"});
  compare(all_mapped({"signal/signal_deliver"}, "tid == " + std::to_string(deliver.pid()), 41), [&] { deliver.run(); });
}

TEST_CASE("sched_pi_setprio's arguments give what its record says", "[kernel]") {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  REQUIRE(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
  pthread_mutex_t mutex;
  REQUIRE(pthread_mutex_init(&mutex, &attributes) == 0);
  compare(all_mapped({"sched/sched_pi_setprio"}, "pid == " + std::to_string(getpid()), 1), [&] {
    pthread_mutex_lock(&mutex);
    std::thread waiter([&] {
      sched_param parameter{};
      parameter.sched_priority = 1;
      CHECK(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) == 0);
      pthread_mutex_lock(&mutex);  // lends its priority to the owner
      pthread_mutex_unlock(&mutex);
    });
    usleep(100'000);
    pthread_mutex_unlock(&mutex);
    waiter.join();
  });
  pthread_mutex_destroy(&mutex);
  pthread_mutexattr_destroy(&attributes);
}

/// A connection over the loopback device, used and closed; gives the server's port.
void connect_once(const UniqueFd& server, const sockaddr_in& address) {
  const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const UniqueFd peer(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(peer.get() >= 0);
  const std::string text(10'000, 'x');
  std::string back(text.size(), ' ');
  CHECK(send(client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  CHECK(recv(peer.get(), back.data(), back.size(), MSG_WAITALL) == static_cast<ssize_t>(back.size()));
}

TEST_CASE("TCP sockets' arguments give what their records say", "[kernel]") {
  const UniqueFd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(server.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const std::string filter = "args.sport == " + port + " || args.dport == " + port;
  auto events = mapped_fields("sock/inet_sock_set_state", filter, 8);
  const auto others = all_mapped(
      {"tcp/tcp_destroy_sock", "tcp/tcp_rcv_space_adjust", "tcp/tcp_receive_reset", "tcp/tcp_retransmit_synack"},
      filter, 0);
  events.insert(events.end(), others.begin(), others.end());
  const auto calls = all_mapped({"sock/sock_send_length", "sock/sock_recv_length", "sock/sk_data_ready"}, by_self(), 0);
  events.insert(events.end(), calls.begin(), calls.end());
  compare(events, [&] {
    REQUIRE(listen(server.get(), 8) == 0);
    for (int i = 0; i < 8; ++i) {
      connect_once(server, address);
    }
    usleep(50'000);  // what closes in the kernel's own time
  });
}

TEST_CASE("the arguments of full receive queues give what the records say", "[kernel]") {
  const UniqueFd receiver(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(receiver.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const int small = 2304;
  REQUIRE(setsockopt(receiver.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
  compare(all_mapped({"udp/udp_fail_queue_rcv_skb", "sock/sock_rcvqueue_full", "skb/kfree_skb", "net/net_dev_queue",
                      "net/net_dev_start_xmit", "net/net_dev_xmit", "net/netif_rx"},
                     by_self(), 0),
          [&] {
            const UniqueFd sender(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const std::string text(1000, 'x');
            for (int i = 0; i < 100; ++i) {
              static_cast<void>(sendto(sender.get(), text.data(), text.size(), 0,
                                       reinterpret_cast<const sockaddr*>(&address), sizeof address));
            }
          });
}

}  // namespace
}  // namespace tpx::test
