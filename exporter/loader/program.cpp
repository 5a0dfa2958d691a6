#include "loader/program.h"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include "base/shortage.h"
#include "base/text.h"
#include "kernel/confinement.h"
#include "loader/object_name.h"
#include "loader/options.h"

namespace tpx::loader {

namespace {

constexpr char kLicence[] = "GPL";
constexpr std::size_t kLogBytes = 1U << 20U;

struct Attempt {
  UniqueFd program;
  int code = 0;
};

Attempt try_load(const plan::AttachPoint& point, const std::string& name, const std::vector<bpf_insn>& instructions,
                 std::vector<char>* log) {
  auto options = default_options<bpf_prog_load_opts>();
  if (log != nullptr) {
    options.log_buf = log->data();
    options.log_size = static_cast<__u32>(log->size());
    options.log_level = 1;
  }
  const bool typed = point.type == plan::AttachType::TpBtf;
  if (typed) {
    options.expected_attach_type = BPF_TRACE_RAW_TP;
    options.attach_btf_id = point.id;
  }
  Attempt attempt;
  attempt.program.reset(bpf_prog_load(typed ? BPF_PROG_TYPE_TRACING : BPF_PROG_TYPE_TRACEPOINT, name.c_str(), kLicence,
                                      instructions.data(), instructions.size(), &options));
  attempt.code = attempt.program.valid() ? 0 : errno;
  return attempt;
}

std::string_view text_of(const std::vector<char>& log) {
  return {log.data(), std::string_view(log.data()).size()};
}

/// The number of the instruction that a log line such as `12: (61) r1 = *(u32 *)(r6 +0)` is about.
std::optional<std::size_t> instruction_of(std::string_view line) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  const auto used = static_cast<std::size_t>(end - line.data());
  if (error != std::errc() || line.substr(used, 2) != ": ") {
    return std::nullopt;
  }
  return number;
}

Error refusal(const std::vector<char>& log, const assembler::Program& program, const assembler::Encoded& encoded,
              int code) {
  std::string last;
  std::optional<std::size_t> instruction;
  for (const std::string_view line : split(text_of(log), '\n')) {
    if (line.empty() || line.starts_with("processed ") || line.starts_with("verification time") ||
        line.starts_with("stack depth")) {
      continue;
    }
    if (const auto number = instruction_of(line); number && line.find(": (") != std::string_view::npos) {
      instruction = number;
    }
    last = std::string(line);
  }
  std::string where;
  if (instruction && *instruction < encoded.origin.size()) {
    for (std::int64_t i = encoded.origin[*instruction]; i >= 0; --i) {
      const auto& comment = program.instructions()[static_cast<std::size_t>(i)].comment;
      if (!comment.empty()) {
        where = " (at \"" + comment + "\")";
        break;
      }
    }
  }
  Error error =
      os_failure("the kernel's verifier refused the program: " + (last.empty() ? "no reason given" : last) + where,
                 code, "this is a bug of tracepoint_exporter: please report it with the output of check --verbose");
  error.by_verifier = true;
  return error;
}

std::string advice(int code) {
  return kernel::advice_for_bpf(kernel::confinement(), code);
}

/// What is no refusal by the verifier, with what to do about it; nothing when it is one.
std::optional<Error> denied(int code) {
  const std::string hint = advice(code);
  // EACCES is the verifier's word, too.
  if (code != EPERM && (code == EACCES || hint.empty())) {
    return std::nullopt;
  }
  return os_failure("can't load a BPF program", code, hint);
}

}  // namespace

Result<LoadedProgram> LoadedProgram::load(const plan::AttachPoint& point, const std::string& name,
                                          const assembler::Program& program,
                                          const std::function<int(const std::string&)>& descriptor) {
  auto encoded = program.encode(descriptor);
  if (!encoded) {
    return fail(std::move(encoded.error()));
  }
  Attempt attempt = try_load(point, object_name(name), encoded->instructions, nullptr);
  if (auto error = attempt.code != 0 ? denied(attempt.code) : std::nullopt) {
    return fail(std::move(*error));
  }
  if (attempt.code != 0) {
    // Again with a log, which costs time and memory that a good program need not pay.
    std::vector<char> log(kLogBytes, '\0');
    const Attempt logged = try_load(point, object_name(name), encoded->instructions, &log);
    return fail(refusal(log, program, *encoded, attempt.code));
  }
  LoadedProgram loaded;
  loaded.program_ = std::move(attempt.program);
  return loaded;
}

LoadedProgram LoadedProgram::adopt(UniqueFd program, UniqueFd link) {
  LoadedProgram adopted;
  adopted.program_ = std::move(program);
  adopted.link_ = std::move(link);
  return adopted;
}

Result<LoadedProgram> LoadedProgram::share() const {
  LoadedProgram shared;
  for (const auto& [from, to] :
       {std::pair(&program_, &shared.program_), std::pair(&event_, &shared.event_), std::pair(&link_, &shared.link_)}) {
    auto copy = duplicate(*from);
    if (!copy) {
      return fail(std::move(copy.error()));
    }
    *to = std::move(*copy);
  }
  return shared;
}

Result<void> LoadedProgram::attach(const plan::AttachPoint& point) {
  if (point.type == plan::AttachType::TpBtf) {
    link_.reset(bpf_raw_tracepoint_open(nullptr, program_.get()));
    if (!link_.valid()) {
      const int code = errno;
      return fail(os_failure("can't attach to " + point.text(), code, advice(code)));
    }
    return {};
  }
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = point.id;
  // The program runs whether its event counts or not; one that does not costs CPU 0 nothing beside the program.
  attributes.disabled = 1;
  // One descriptor on one CPU: the program of a tracepoint's perf event runs on all of them.
  event_.reset(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event_.valid()) {
    const int code = errno;
    return fail(os_failure("can't open the perf event of " + point.text(), code,
                           kernel::advice_for_perf(kernel::confinement(), code)));
  }
  link_.reset(bpf_link_create(program_.get(), event_.get(), BPF_PERF_EVENT, nullptr));
  if (link_.valid()) {
    return {};
  }
  // Before Linux 5.15 perf events have no links.
  if (ioctl(event_.get(), PERF_EVENT_IOC_SET_BPF, program_.get()) != 0) {
    const int code = errno;
    return fail(os_failure("can't attach to " + point.text(), code, advice(code)));
  }
  return {};
}

void LoadedProgram::detach() {
  link_.reset();
  event_.reset();
}

Result<LoadedProgram::Statistics> LoadedProgram::statistics() const {
  bpf_prog_info info{};
  __u32 length = sizeof info;
  if (bpf_obj_get_info_by_fd(program_.get(), &info, &length) != 0) {
    return fail(os_failure("can't read the statistics of a program", errno));
  }
  return Statistics{info.run_cnt, info.run_time_ns, info.recursion_misses};
}

Result<Verdict> verify(const plan::AttachPoint& point, const assembler::Program& program,
                       const std::function<int(const std::string&)>& descriptor) {
  auto encoded = program.encode(descriptor);
  if (!encoded) {
    return fail(std::move(encoded.error()));
  }
  std::vector<char> log(16 * kLogBytes, '\0');
  const Attempt attempt = try_load(point, "tpx_check", encoded->instructions, &log);
  if (auto error = attempt.code != 0 ? denied(attempt.code) : std::nullopt) {
    return fail(std::move(*error));
  }
  return Verdict{attempt.program.valid(), std::string(text_of(log))};
}

}  // namespace tpx::loader
