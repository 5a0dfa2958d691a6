#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <memory>

#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "live/event_format.h"
#include "live/event_stream.h"
#include "service/configuration.h"

namespace tpx::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 4096;  ///< events taken from the ring before they are written
constexpr int kPause = 10;            ///< milliseconds between looks at a ring that has little to give
constexpr double kLongest = 1e9;      ///< seconds

struct Options {
  kernel::Paths paths;
  std::string category;
  std::string name;
  double duration = 10;
  std::string filter;
  std::vector<std::string> fields;
  std::uint64_t count = 0;
  std::string output = "text";

  [[nodiscard]] std::string full_name() const { return category + "/" + name; }
  [[nodiscard]] bool json() const { return output == "json"; }
};

/// Nanoseconds of CLOCK_REALTIME when CLOCK_MONOTONIC, by which the kernel stamps events, was 0.
std::uint64_t realtime_offset() {
  timespec real{};
  timespec monotonic{};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_REALTIME, &real);
  const auto nanoseconds = [](const timespec& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
  };
  return nanoseconds(real) - nanoseconds(monotonic);
}

/// `category/name` and `category:name` in one word do as well.
void split_name(Options& options) {
  const auto separator = options.category.find_first_of("/:");
  if (options.name.empty() && separator != std::string::npos) {
    options.name = options.category.substr(separator + 1);
    options.category.resize(separator);
  }
}

/// One run, from attaching to the last line.
class Tracing {
 public:
  Tracing(const Options& options, live::EventStream& stream, live::EventFormatter& formatter, const StopSignal& stop)
      : options_(options), stream_(stream), formatter_(formatter), stop_(stop), output_(stop) {}

  int run() {
    if (auto attached = stream_.attach(); !attached) {
      report(attached.error());
      return kFailure;
    }
    say("Attached to tracepoint: " + options_.full_name());
    say("Listening for events...");
    if (!options_.json()) {
      output_.buffer() += formatter_.heading();
    }
    output_.flush();
    listen();
    say(reason_);
    output_.flush();
    stream_.detach();
    drain();
    say("Tracepoint detached successfully.");
    summary();
    output_.flush();
    return kOk;
  }

 private:
  /// Messages are for people: they stand between the events as text, and stay out of JSON.
  void say(const std::string& text) {
    if (options_.json()) {
      std::fprintf(stderr, "%s\n", text.c_str());
    } else {
      output_.buffer() += text + "\n";
    }
  }

  std::size_t take() {
    const std::uint64_t wanted = options_.count == 0 ? kBatch : std::min<std::uint64_t>(kBatch, options_.count - seen_);
    const std::size_t taken = stream_.consume(wanted, [&](std::span<const std::byte> record) {
      formatter_.append(output_.buffer(), record);
      return true;
    });
    seen_ += taken;
    return taken;
  }

  [[nodiscard]] bool complete() const { return options_.count != 0 && seen_ >= options_.count; }

  void listen() {
    const bool forever = options_.duration == 0;
    const auto end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.duration));
    while (true) {
      const std::size_t taken = take();
      if (const Output::State state = output_.flush(); state != Output::State::Open) {
        closed_ = state == Output::State::Closed;
        reason_ = "Interrupted. Detaching...";
        return;
      }
      if (complete()) {
        reason_ = "Count reached. Detaching...";
        return;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
      if (!forever && left <= 0) {
        reason_ = "Duration elapsed. Detaching...";
        return;
      }
      int pause = taken == kBatch ? 0 : kPause;
      if (!forever && left < pause) {
        pause = static_cast<int>(left);
      }
      const StopSignal::Event event = stop_.wait(pause, STDOUT_FILENO);
      if (event != StopSignal::Event::None) {
        closed_ = event == StopSignal::Event::OutputClosed;
        reason_ = "Interrupted. Detaching...";
        return;
      }
    }
  }

  /// What was recorded before it was detached. A program may still be in the middle of a record on another CPU.
  void drain() {
    int quiet = 0;
    while (!closed_ && !complete() && quiet < 2) {
      const std::size_t taken = take();
      if (output_.flush() != Output::State::Open) {
        closed_ = true;
      }
      if (taken == 0) {
        ++quiet;
        usleep(1000);
      }
    }
  }

  void summary() {
    const std::uint64_t lost = stream_.lost();
    std::string text = std::to_string(seen_) + (seen_ == 1 ? " event" : " events") + " seen";
    if (lost > 0) {
      text += ", " + std::to_string(lost) + " lost";
    }
    say(text + (stream_.knows_misses() ? "." : "; this kernel does not say how many it skipped."));
    if (lost > 0) {
      say("Lost events found the buffer full: use --filter or --fields, or write to a file.");
    }
    if (seen_ == 0 && lost == 0) {
      say(options_.filter.empty()
              ? "This tracepoint fires rarely, or not at all with what this machine does now: wait with --duration 0."
              : "No event passed the filter: try without --filter, or wait with --duration 0.");
    }
  }

  const Options& options_;
  live::EventStream& stream_;
  live::EventFormatter& formatter_;
  const StopSignal& stop_;
  Output output_;
  std::uint64_t seen_ = 0;
  bool closed_ = false;
  std::string reason_;
};

int open_and_run(const Options& options, const kernel::Kernel& kernel, const StopSignal& stop) {
  plan::EventRequest request{options.full_name(), std::nullopt, options.fields};
  if (!options.filter.empty()) {
    request.filter = options.filter;
  }
  auto stream = live::EventStream::open(request, kernel, service::planner_options());
  if (!stream) {
    report(stream.error());
    return stream.error().location ? kUsage : kFailure;
  }
  if (!kernel.btf) {
    std::fputs(
        "note: this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): attached the classic way, which costs more an event\n",
        stderr);
  }
  for (const std::string& field : stream->plan().left_out) {
    std::fprintf(stderr, "note: left out %s\n", field.c_str());
  }
  decode::Environment environment;
  environment.procfs = options.paths.procfs;
  environment.sysfs = options.paths.sysfs;
  auto formatter =
      live::EventFormatter::make(stream->plan(), kernel, decode::with_shared(environment),
                                 options.json() ? live::EventOutput::Json : live::EventOutput::Text, realtime_offset());
  if (!formatter) {
    report(formatter.error());
    return kFailure;
  }
  return Tracing(options, *stream, *formatter, stop).run();
}

int run(Options options) {
  split_name(options);
  if (options.category.empty() || options.name.empty()) {
    std::fprintf(
        stderr,
        "error: %s required\nUsage: tracepoint_exporter tracepoint CATEGORY NAME [-d SECONDS]\n"
        "For example: tracepoint_exporter tracepoint sched sched_switch; see what there is: tracepoint_exporter list\n",
        options.category.empty() ? "CATEGORY and NAME are" : "NAME is");
    return kUsage;
  }
  if (const auto missing = missing_privileges(options.paths)) {
    report(*missing);
    return kFailure;
  }
  auto stop = StopSignal::make();
  auto kernel = stop ? open_kernel(options.paths) : Result<kernel::Kernel>(fail(stop.error()));
  if (!kernel) {
    report(kernel.error());
    return kFailure;
  }
  if (is_glob(options.full_name())) {
    report(Error{"a tracepoint is one name, " + options.full_name() + " is a pattern",
                 "list what matches: tracepoint_exporter list '" + options.full_name() + "'"});
    return kUsage;
  }
  if (auto format = kernel->tracefs.format(options.category, options.name); !format) {
    report(format.error());
    return kFailure;
  }
  return open_and_run(options, *kernel, *stop);
}

}  // namespace

Command tracepoint_command() {
  return {"tracepoint", "Print the events of one tracepoint as they fire",
          [](CLI::App& app, std::function<int()>& chosen) {
            auto options = std::make_shared<Options>();
            app.alias("trace");
            app.add_option("category", options->category, "Category of the tracepoint, such as sched (required)")
                ->type_name("CATEGORY");
            app.add_option("name", options->name, "Name of the tracepoint, such as sched_switch (required)")
                ->type_name("NAME");
            app.add_option("-d,--duration", options->duration, "Duration in seconds; 0: until Ctrl-C")
                ->capture_default_str()
                ->type_name("SECONDS")
                ->check(CLI::Range(0.0, kLongest));
            app.add_option("--filter", options->filter,
                           "Only events for which this is true, such as 'args.ret < 0 && comm == \"bash\"'")
                ->type_name("EXPRESSION");
            app.add_option("--fields", options->fields, "Only these fields, or expressions over them")
                ->delimiter(',')
                ->allow_extra_args(false)
                ->type_name("FIELD,...");
            app.add_option("-c,--count", options->count, "End after so many events")
                ->type_name("N")
                ->check(CLI::PositiveNumber);
            app.add_option("--output", options->output, "text, or json: one object a line")
                ->capture_default_str()
                ->check(CLI::IsMember({"text", "json"}));
            add_path_options(app, options->paths);
            app.footer(
                "Example:\n  tracepoint_exporter tracepoint sched sched_switch --duration 5\n"
                "  tracepoint_exporter tracepoint syscalls sys_enter_openat --filter 'comm == \"bash\"' --output json");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
