#include <bpf/libbpf.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/unique_fd.h"
#include "support/contender.h"

namespace tpx::benchmark {

namespace {

struct Object {
  ~Object() {
    for (bpf_link* link : links) {
      bpf_link__destroy(link);
    }
    bpf_object__close(object);
  }
  bpf_object* object = nullptr;
  std::vector<bpf_link*> links;
};

Result<Attachment> attach_object(const std::string& path) {
  libbpf_set_print(nullptr);
  auto state = std::make_shared<Object>();
  state->object = bpf_object__open_file(path.c_str(), nullptr);
  if (state->object == nullptr) {
    return fail("no " + path, "clang was absent when the benchmark was built");
  }
  if (bpf_object__load(state->object) != 0) {
    return fail(os_failure("can't load " + path, errno));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, state->object) {
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) {
      return fail(os_failure("can't attach " + path, errno));
    }
    state->links.push_back(link);
  }
  return Attachment(state);
}

struct Process {
  ~Process() {
    if (pid > 0) {
      kill(pid, SIGKILL);  // without printing its maps
      waitpid(pid, nullptr, 0);
    }
  }
  pid_t pid = -1;
};

/// Whether the child writes a line that holds `word` within 20 s.
bool says(int descriptor, const std::string& word) {
  std::string text;
  pollfd waiting{descriptor, POLLIN, 0};
  while (poll(&waiting, 1, 20000) == 1) {
    char piece[256];
    const ssize_t length = read(descriptor, piece, sizeof piece);
    if (length <= 0) {
      return false;
    }
    text.append(piece, static_cast<std::size_t>(length));
    if (text.find(word) != std::string::npos) {
      return true;
    }
  }
  return false;
}

Result<Attachment> start_bpftrace(const std::string& script, int keys) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail(os_failure("can't make a pipe", errno));
  }
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  auto state = std::make_shared<Process>();
  const std::string setting = "BPFTRACE_MAP_KEYS_MAX=" + std::to_string(keys);
  state->pid = fork();
  if (state->pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execlp("env", "env", setting.c_str(), "bpftrace", "-B", "line", "-e", script.c_str(), nullptr);
    _exit(127);
  }
  writing.reset();
  // An interval fires only when everything is attached; BEGIN runs before.
  if (state->pid < 0 || !says(reading.get(), "attached")) {
    return fail("bpftrace did not start", "apt-get install bpftrace");
  }
  return Attachment(state);
}

}  // namespace

Contender usual_c(const std::string& name) {
  return {"hand-written C", 11, [name] { return attach_object(std::string(TPX_USUAL_OBJECTS) + "/" + name + ".o"); }};
}

Contender bpftrace(const std::string& script, int keys) {
  // The intervals may begin before the last probe is attached: the third tick is some 200 ms later.
  const std::string all = script + " interval:ms:100 { @tick++; if (@tick == 3) { printf(\"attached\\n\"); } }";
  return {"bpftrace", 4, [all, keys] { return start_bpftrace(all, keys); }};
}

}  // namespace tpx::benchmark
