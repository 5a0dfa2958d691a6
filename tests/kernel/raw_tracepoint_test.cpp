#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"

namespace tpx::test {
namespace {

/// The inode number of this process' cgroup (v2) is its id.
std::string own_cgroup_id() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    struct stat status{};
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      if (line.starts_with("0::") && stat((root + line.substr(3)).c_str(), &status) == 0 &&
          std::filesystem::exists(std::string(root) + "/cgroup.controllers")) {
        return std::to_string(status.st_ino);
      }
    }
  }
  return {};
}

TEST_CASE("chains over a raw tracepoint's arguments read what the kernel has there", "[kernel]") {
  Workload workload("context_switches", {"101"});
  const std::string pid = std::to_string(workload.pid());
  Session session(R"(
metrics:
  - name: runs_total
    raw_tracepoint: sched_switch
    filter: args.next->pid == )" +
                  pid + R"(
    labels:
      comm: args.next->comm
      parent: args.next->real_parent->tgid
      leader: args.next->group_leader->group_leader->pid
      letter: args.next->comm[0]
      policy: args.next->policy
      state: args.prev_state
      cgroup: args.next->cgroups->dfl_cgrp->kn->id
      mm: if(args.next->mm->owner->pid == args.next->pid, 1, 0)
      stack: (args.next->stack * 3) & 4095
  - name: bits_total
    raw_tracepoint: sched_switch
    filter: args.prev->pid == )" +
                  pid + R"(
    labels:
      in_execve: args.prev->in_execve
      no_cgroup_migration: args.prev->no_cgroup_migration
      nothing: args.prev->vfork_done->done
      tracer: args.prev->parent->real_parent->pid
  - name: all_total
    raw_tracepoint: sched_switch
    labels: {thread: args.prev->pid}
)");
  const auto of_the_first = switches_of_the_first_process();
  const std::uint64_t before = switches_of(workload.pid());
  workload.run();
  const std::uint64_t switches = switches_of(workload.pid()) - before;
  const auto of_the_first_after = switches_of_the_first_process();
  const std::uint64_t hidden = hidden_switches(of_the_first, of_the_first_after, session.table("all_total"));
  std::uint64_t runs = 0;
  for (const Row& row : session.rows("runs_total")) {
    CHECK(row.labels.at("comm") == "context_switche");
    CHECK(row.labels.at("parent") == std::to_string(getpid()));
    CHECK(row.labels.at("leader") == pid);
    CHECK(row.labels.at("letter") == std::to_string('c'));
    CHECK(row.labels.at("policy") == "0");
    CHECK(row.labels.at("mm") == "1");
    CHECK(row.labels.at("stack") == "0");  // a void pointer to a page
    if (const std::string id = own_cgroup_id(); !id.empty()) {
      CHECK(row.labels.at("cgroup") == id);
    }
    runs += row.words.front();
  }
  // But for those that are switches from a task in which this kernel fires no tracepoint.
  CHECK(runs <= switches);
  CHECK(runs + hidden >= switches);
  std::uint64_t offs = 0;
  for (const Row& row : session.rows("bits_total")) {
    CHECK(row.labels.at("in_execve") == "0");
    CHECK(row.labels.at("no_cgroup_migration") == "0");
    CHECK(row.labels.at("nothing") == "0");
    CHECK(row.labels.at("tracer") == std::to_string(getppid()));
    offs += row.words.front();
  }
  CHECK(offs == switches);
}

TEST_CASE("builtins say of the current thread what user space knows of it", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session(
        "metrics:\n" +
            calls_metric("calls_total",
                         "labels: {pid: pid, tid: tid, ppid: ppid, uid: uid, gid: gid, comm: comm, cgroup: cgroup}") +
            calls_metric("cpus_total", "labels: {cpu: cpu}") +
            calls_metric("text_total",
                         "labels: {text: 'str(args.args[0])', cut: 'str(args.args[0], 5)', same: "
                         "'if(str(args.args[0]) == \"some text of thirty-one bytes!!\", \"yes\", \"no\")'}"),
        way);
    alignas(64) static const char kText[] = "some text of thirty-one bytes!!";
    for (int i = 0; i < 11; ++i) {
      call(reinterpret_cast<std::uint64_t>(kText));
    }
    const auto rows = session.rows("calls_total");
    REQUIRE(rows.size() == 1);
    const auto& labels = rows.front().labels;
    CHECK(rows.front().words.front() == 11);
    CHECK(labels.at("pid") == std::to_string(getpid()));
    CHECK(labels.at("tid") == std::to_string(gettid()));
    CHECK(labels.at("uid") == std::to_string(getuid()));
    CHECK(labels.at("gid") == std::to_string(getgid()));
    CHECK(labels.at("comm") == own_comm());
    if (const std::string id = own_cgroup_id(); !id.empty()) {
      CHECK(labels.at("cgroup") == id);
    }
    CHECK(session.sum("cpus_total") == 11);
    const auto texts = session.rows("text_total");
    REQUIRE(texts.size() == 1);
    CHECK(texts.front().labels.at("text") == kText);
    CHECK(texts.front().labels.at("cut") == "some ");
    CHECK(texts.front().labels.at("same") == "yes");
    CHECK(labels.at("ppid") == std::to_string(getppid()));
  }
}

}  // namespace
}  // namespace tpx::test
