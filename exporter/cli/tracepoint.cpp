#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>

#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/top_screen.h"
#include "cli/typed_expression.h"
#include "live/event_format.h"
#include "live/event_pairs.h"
#include "live/event_stream.h"
#include "service/configuration.h"

namespace tpx::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 4096;  ///< events taken from the ring before they are written
constexpr int kPause = 10;            ///< milliseconds between looks at a ring that has little to give
constexpr double kLongest = 1e9;      ///< seconds
constexpr std::size_t kMostTracepoints = 64;

struct Options {
  kernel::Paths paths;
  std::string category;
  std::string name;
  double duration = 10;
  std::string filter;
  std::vector<std::string> fields;
  std::uint64_t count = 0;
  std::string output = "text";
  std::string from;  ///< a pair: its start …
  std::string to;    ///< … and its end
  std::string key = "tid";
  std::string from_filter;

  [[nodiscard]] std::string full_name() const { return category + "/" + name; }
  [[nodiscard]] bool pair() const { return !from.empty(); }
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

std::string duration_text(double seconds) {
  std::array<char, 32> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), seconds);
  return std::string(buffer.data(), done.ptr) + (seconds == 1 ? " second" : " seconds");
}

/// The lines that records become: one an event, or one a pair.
class Lines {
 public:
  static Result<Lines> make(const Options& options, const std::vector<plan::EventRequest>& requests,
                            const live::EventStream& stream, const kernel::Kernel& kernel) {
    const decode::Environment environment = decoder_environment(options.paths);
    const live::EventOutput output = options.json() ? live::EventOutput::Json : live::EventOutput::Text;
    Lines lines;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      plan::EventPlan plan = stream.plan(i);
      if (options.pair()) {
        plan.columns.erase(plan.columns.begin());  // the key
      }
      auto formatter = live::EventFormatter::make(plan, kernel, environment, output, realtime_offset());
      if (!formatter) {
        return fail(std::move(formatter.error()));
      }
      formatter->name_events(requests.size() > 1);
      lines.tracepoints_.push_back(plan.tracepoint);
      lines.formatters_.push_back(std::move(*formatter));
    }
    if (options.pair()) {  // the end is the first request
      lines.pairs_.emplace(stream.plan(1), std::move(lines.formatters_[1]), stream.plan(0),
                           std::move(lines.formatters_[0]), output, use_locale());
      std::reverse(lines.tracepoints_.begin(), lines.tracepoints_.end());
    }
    return lines;
  }

  [[nodiscard]] const std::vector<std::string>& tracepoints() const { return tracepoints_; }
  [[nodiscard]] std::string heading() const {
    return pairs_ ? live::EventPairs::heading() : formatters_.front().heading();
  }

  /// Whether a line was appended.
  bool append(std::string& out, std::span<const std::byte> record) {
    if (pairs_) {
      return pairs_->append(out, record);
    }
    std::uint32_t number = 0;
    std::memcpy(&number, record.data() + plan::EventPlan::kNumber, sizeof number);
    formatters_[number].append(out, record);
    return true;
  }

  /// What of a pair found no other side; empty when there is nothing to say.
  [[nodiscard]] std::string unmatched() const {
    std::string text;
    if (pairs_ && pairs_->without_start() > 0) {
      text = counted(pairs_->without_start(), "end") + " without a start.";
    }
    if (pairs_ && pairs_->refused_starts() > 0) {
      text += (text.empty() ? "" : " ") + counted(pairs_->refused_starts(), "start") + " not kept: too many wait.";
    }
    return text;
  }

 private:
  Lines() = default;
  std::vector<std::string> tracepoints_;
  std::vector<live::EventFormatter> formatters_;  ///< by the number of the request
  std::optional<live::EventPairs> pairs_;
};

/// One run, from attaching to the last line.
class Tracing {
 public:
  Tracing(const Options& options, live::EventStream& stream, Lines& lines, const StopSignal& stop)
      : options_(options), stream_(stream), lines_(lines), stop_(stop), output_(stop) {}

  int run() {
    if (auto attached = stream_.attach(); !attached) {
      report(attached.error());
      return kFailure;
    }
    for (const std::string& name : lines_.tracepoints()) {
      say("Attached to tracepoint: " + name);
    }
    say("Duration: " + duration_text(options_.duration) + " (0 = until Ctrl+C)");
    say("Listening for events...");
    if (!options_.json()) {
      output_.buffer() += lines_.heading();
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

  /// How many records were taken; their lines are in the buffer.
  std::size_t take() {
    return stream_.consume(kBatch, [&](std::span<const std::byte> record) {
      seen_ += lines_.append(output_.buffer(), record) ? 1 : 0;
      return !complete();
    });
  }

  [[nodiscard]] bool complete() const { return options_.count != 0 && seen_ >= options_.count; }

  [[nodiscard]] std::string interrupted() const {
    const std::string signal = stop_.take();
    return signal.empty() ? "Interrupted. Detaching..." : "Received " + signal + ". Detaching...";
  }

  void listen() {
    const bool forever = options_.duration == 0;
    const auto end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.duration));
    while (true) {
      const std::size_t taken = take();
      if (const Output::State state = output_.flush(); state != Output::State::Open) {
        closed_ = state == Output::State::Closed;
        reason_ = interrupted();
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
        reason_ = interrupted();
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
    std::string text =
        std::to_string(seen_) + (options_.pair() ? " pair" : " event") + (seen_ == 1 ? "" : "s") + " seen";
    if (lost > 0) {
      text += ", " + std::to_string(lost) + " lost";
    }
    say(text + ".");
    const std::string unmatched = lines_.unmatched();
    if (!unmatched.empty()) {
      say(unmatched);
    }
    if (!stream_.counts_all_lost()) {
      say("Lost in nested interrupts: unknown. Before Linux 6.7 the kernel does not count them for classic "
          "tracepoints.");
    }
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
  Lines& lines_;
  const StopSignal& stop_;
  Output output_;
  std::uint64_t seen_ = 0;
  bool closed_ = false;
  std::string reason_;
};

/// What to trace, and what the user typed, for errors.
struct Requested {
  std::vector<plan::EventRequest> requests;
  TypedOptions typed;
};

Result<std::vector<std::string>> fields_of(const std::string& tracepoint, const kernel::Kernel& kernel) {
  if (tracepoint.find('/') == std::string::npos) {
    return fail("a tracepoint is CATEGORY/NAME, not " + tracepoint,
                "see what there is: tracepoint_exporter list '*" + tracepoint + "*'");
  }
  auto format = kernel.tracefs.format(tracepoint);
  if (!format) {
    return fail(std::move(format.error()));
  }
  return format->field_names();
}

/// The end comes first: where one tracepoint is both, it ends a pair before it starts the next.
Result<Requested> pair_requests(const Options& options, const kernel::Kernel& kernel) {
  std::string from = options.from;
  std::string to = options.to;
  std::replace(from.begin(), from.end(), ':', '/');
  std::replace(to.begin(), to.end(), ':', '/');
  auto start_fields = fields_of(from, kernel);
  auto end_fields = fields_of(to, kernel);
  if (!start_fields || !end_fields) {
    return fail(start_fields ? end_fields.error() : start_fields.error());
  }
  Requested requested{{}, TypedOptions({*end_fields, *start_fields})};
  plan::EventRequest start{from, std::nullopt, {}};
  plan::EventRequest end{to, std::nullopt, {}};
  start.number = live::EventPairs::kStart;
  end.number = live::EventPairs::kEnd;
  start.key = end.key = requested.typed.add("--key", options.key);
  if (!options.filter.empty()) {
    end.filter = requested.typed.add("--filter", options.filter);
  }
  if (!options.from_filter.empty()) {
    start.filter = TypedExpression(options.from_filter, {*start_fields, {}}).text();
  }
  requested.requests = {std::move(end), std::move(start)};
  return requested;
}

Result<Requested> event_requests(const Options& options, const kernel::Kernel& kernel) {
  std::vector<std::string> names{options.full_name()};
  if (is_glob(names.front())) {
    auto matched = kernel.tracefs.match(names.front());
    if (!matched || matched->empty()) {
      return fail(matched ? Error{"no tracepoint matches " + names.front(),
                                  "list what there is: tracepoint_exporter list " + options.category}
                          : matched.error());
    }
    names = std::move(*matched);
  }
  if (names.size() > kMostTracepoints) {
    return fail(options.full_name() + " matches " + std::to_string(names.size()) + " tracepoints; the limit is " +
                    std::to_string(kMostTracepoints),
                "list what matches: tracepoint_exporter list '" + options.full_name() + "'");
  }
  Requested requested;
  for (const std::string& name : names) {
    auto fields = fields_of(name, kernel);
    if (!fields) {
      return fail(std::move(fields.error()));
    }
    requested.typed = TypedOptions({std::move(*fields), {}});
    plan::EventRequest request{name, std::nullopt, {}};
    request.number = static_cast<std::uint32_t>(requested.requests.size());
    if (!options.filter.empty()) {
      request.filter = requested.typed.add("--filter", options.filter);
    }
    for (const std::string& words : options.fields) {
      for (const std::string& typed : split_expressions(words)) {
        request.fields.push_back(requested.typed.add("--fields", typed));
        request.names.push_back(typed);
      }
    }
    requested.requests.push_back(std::move(request));
  }
  return requested;
}

int open_and_run(const Options& options, const Requested& requested, const kernel::Kernel& kernel,
                 const StopSignal& stop) {
  auto stream = live::EventStream::open_all(requested.requests, kernel, service::planner_options());
  if (!stream) {
    requested.typed.report(stream.error());
    return stream.error().location ? kUsage : kFailure;
  }
  if (!kernel.btf) {
    std::fputs(
        "note: this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): attached the classic way, which costs more an event\n",
        stderr);
  }
  for (std::size_t i = 0; i < requested.requests.size(); ++i) {
    for (const std::string& field : stream->plan(i).left_out) {
      std::fprintf(stderr, "note: left out %s\n", field.c_str());
    }
  }
  auto lines = Lines::make(options, requested.requests, *stream, kernel);
  if (!lines) {
    report(lines.error());
    return kFailure;
  }
  return Tracing(options, *stream, *lines, stop).run();
}

/// What is missing or too much on the command line; empty: nothing.
std::string wrong_use(const Options& options) {
  const bool named = !options.category.empty() || !options.name.empty();
  if (options.from.empty() != options.to.empty()) {
    return options.from.empty() ? "--from is required with --to" : "--to is required with --from";
  }
  if (options.pair()) {
    return named                     ? "only one of a tracepoint and --from and --to can be traced"
           : !options.fields.empty() ? "--fields can't be used with --from and --to, which show all fields of both"
                                     : "";
  }
  if (!options.from_filter.empty()) {
    return "--from-filter is used with --from and --to";
  }
  return options.category.empty() ? "CATEGORY and NAME are required" : options.name.empty() ? "NAME is required" : "";
}

int run(Options options) {
  split_name(options);
  if (const std::string wrong = wrong_use(options); !wrong.empty()) {
    std::fprintf(
        stderr,
        "error: %s\nUsage: tracepoint_exporter tracepoint CATEGORY NAME [-d SECONDS]\n"
        "For example: tracepoint_exporter tracepoint sched sched_switch; see what there is: tracepoint_exporter list\n",
        wrong.c_str());
    return kUsage;
  }
  auto command = prepare_to_attach(options.paths);
  if (!command) {
    report(command.error());
    return kFailure;
  }
  const auto& [stop, kernel] = *command;
  auto requested = options.pair() ? pair_requests(options, kernel) : event_requests(options, kernel);
  if (!requested) {
    report(requested.error());
    return kFailure;
  }
  return open_and_run(options, *requested, kernel, stop);
}

}  // namespace

Command tracepoint_command() {
  return {"tracepoint", "Print the events of one tracepoint as they fire",
          [](CLI::App& app, std::function<int()>& chosen) {
            auto options = std::make_shared<Options>();
            app.alias("trace");
            app.add_option("category", options->category, "Category of the tracepoint, such as sched (required)")
                ->type_name("CATEGORY");
            app.add_option("name", options->name,
                           "Name of the tracepoint, such as sched_switch, or a pattern with * and ? (required)")
                ->type_name("NAME");
            app.add_option("-d,--duration", options->duration, "Duration in seconds; 0: until Ctrl-C")
                ->capture_default_str()
                ->type_name("SECONDS")
                ->check(CLI::Range(0.0, kLongest));
            app.add_option("--filter", options->filter,
                           "Only events for which this is true, such as 'ret < 0 && comm == \"bash\"'")
                ->type_name("EXPRESSION");
            app.add_option("--fields", options->fields,
                           "Only these fields, or expressions over them, also with decoders such as ksym(caller)")
                ->allow_extra_args(false)
                ->type_name("FIELD,...");
            app.add_option("--from", options->from, "Print the time from this event to that of --to, a line a pair")
                ->type_name("CATEGORY/NAME");
            app.add_option("--to", options->to, "End of a pair; --filter is about it")->type_name("CATEGORY/NAME");
            app.add_option("--key", options->key, "What joins start and end of a pair")->capture_default_str();
            app.add_option("--from-filter", options->from_filter, "Only starts of a pair for which this is true")
                ->type_name("EXPRESSION");
            app.add_option("-c,--count", options->count, "End after so many events, or pairs")
                ->type_name("N")
                ->check(CLI::PositiveNumber);
            app.add_option("--output", options->output, "text, or json: one object a line")
                ->capture_default_str()
                ->check(CLI::IsMember({"text", "json"}));
            add_path_options(app, options->paths);
            app.footer(
                "Example:\n  tracepoint_exporter tracepoint sched sched_switch --duration 5\n"
                "  tracepoint_exporter tracepoint --from syscalls/sys_enter_read --to syscalls/sys_exit_read\n"
                "  tracepoint_exporter tracepoint syscalls sys_enter_openat --filter 'comm == \"bash\"' --output json");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
