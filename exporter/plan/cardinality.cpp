#include "plan/cardinality.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/overloaded.h"
#include "expression/ast.h"
#include "plan/label.h"

namespace tpx::plan {

namespace {

using expression::Builtin;
using expression::Node;
using Kind = LabelEstimate::Kind;

constexpr std::uint64_t kErrors = 135;    // the names of errno.h, and 0
constexpr std::uint64_t kSignals = 65;    // 0 to SIGRTMAX
constexpr std::uint64_t kSyscalls = 470;  // of x86_64 in Linux 6.18
constexpr std::size_t kMostFlags = 10;    // more bits make too many combinations to call it bounded

LabelEstimate fixed(std::uint64_t values, std::string what = {}) {
  return {{}, Kind::Fixed, values, std::move(what), false};
}
LabelEstimate of_host(std::string what) {
  return {{}, Kind::Host, 0, std::move(what), false};
}
LabelEstimate unbounded(std::string what) {
  return {{}, Kind::Unbounded, 0, std::move(what), false};
}

bool contains_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

LabelEstimate of_ids(bool retired) {
  LabelEstimate ids = retired ? of_host("tasks alive") : unbounded("ids of tasks: without retire_on_exit each stays");
  ids.task_ids = true;
  return ids;
}

class Estimator {
 public:
  Estimator(const schema::KeyField& field, bool retired, std::size_t tracepoints, unsigned cpus)
      : field_(field), retired_(retired), tracepoints_(tracepoints), cpus_(cpus) {}

  [[nodiscard]] LabelEstimate decoded(const Node& value) const {
    LabelEstimate estimate = of(value);
    for (const schema::DecoderCall& decoder : field_.decoders) {
      estimate = after(decoder, std::move(estimate));
    }
    return estimate;
  }

 private:
  [[nodiscard]] LabelEstimate of(const Node& node) const {
    return std::visit(Overloaded{[](const expression::IntegerLiteral&) { return fixed(1); },
                                 [](const expression::StringLiteral&) { return fixed(1); },
                                 [&](const expression::BuiltinRef& builtin) { return of_builtin(builtin.builtin); },
                                 [&](const expression::Argument& argument) { return of_field(argument.name); },
                                 [&](const expression::Member& member) { return of_field(member.name); },
                                 [&](const expression::Index&) { return of_type(); },
                                 [&](const expression::Unary& unary) {
                                   return unary.op == expression::UnaryOp::LogicNot ? fixed(2) : of(*unary.operand);
                                 },
                                 [&](const expression::Binary& binary) { return of_binary(binary); },
                                 [&](const expression::Call& call) { return of_call(call); }},
                      node.value);
  }

  [[nodiscard]] LabelEstimate of_builtin(Builtin builtin) const {
    switch (builtin) {
      case Builtin::Pid:
      case Builtin::Tid:
      case Builtin::Ppid:
        return of_ids(retired_);
      case Builtin::Uid:
      case Builtin::Gid:
        return of_host("users");
      case Builtin::Comm:
        return of_host("process names");
      case Builtin::Cpu:
        return fixed(cpus_, "CPUs");
      case Builtin::Cgroup:
        return of_host("cgroups");
      case Builtin::Nsecs:
        return unbounded("times");
      case Builtin::Probe:
        return fixed(tracepoints_, "tracepoints");
    }
    return unbounded("numbers");
  }

  [[nodiscard]] LabelEstimate of_field(const std::string& name) const {
    if (field_.type.kind == schema::ValueType::Kind::Integer) {
      const bool id =
          name == "pid" || name == "tid" || name == "tgid" || name.ends_with("_pid") || name.ends_with("_tgid");
      const bool cpu = name == "cpu" || name == "cpu_id" || name.ends_with("_cpu");
      return id ? of_ids(retired_) : cpu ? fixed(cpus_, "CPUs") : of_type();
    }
    if (field_.type.kind == schema::ValueType::Kind::String && name.ends_with("comm")) {
      return of_host("process names");
    }
    const bool path = contains_any(name, {"file", "path"});
    return field_.type.kind == schema::ValueType::Kind::String && !path ? of_host("names in the kernel") : of_type();
  }

  [[nodiscard]] LabelEstimate of_type() const {
    if (field_.type.kind == schema::ValueType::Kind::String) {
      return unbounded("text that programs choose");
    }
    if (field_.type.kind == schema::ValueType::Kind::Bytes) {
      return unbounded("addresses");
    }
    return field_.type.size == 1 ? fixed(256) : unbounded("numbers or addresses");
  }

  [[nodiscard]] LabelEstimate of_binary(const expression::Binary& binary) const {
    using Op = expression::BinaryOp;
    if (binary.op >= Op::Lt && binary.op <= Op::Ne) {
      return fixed(2);
    }
    if (binary.op == Op::LogicAnd || binary.op == Op::LogicOr) {
      return fixed(2);
    }
    const auto* right = std::get_if<expression::IntegerLiteral>(&binary.right->value);
    if (right != nullptr && binary.op == Op::Mod && right->value > 0) {
      return fixed(right->value);
    }
    if (right != nullptr && binary.op == Op::BitAnd) {
      const auto bits = static_cast<unsigned>(__builtin_popcountll(right->value));
      return bits <= kMostFlags ? fixed(std::uint64_t{1} << bits) : of_type();
    }
    return of_type();
  }

  [[nodiscard]] LabelEstimate of_call(const expression::Call& call) const {
    if (call.function != "if" || call.arguments.size() != 3) {
      return of_type();
    }
    const LabelEstimate yes = of(*call.arguments[1]);
    const LabelEstimate no = of(*call.arguments[2]);
    return yes.kind == Kind::Fixed && no.kind == Kind::Fixed ? fixed(yes.values + no.values)
           : yes.kind >= no.kind                             ? yes
                                                             : no;
  }

  [[nodiscard]] static LabelEstimate after(const schema::DecoderCall& decoder, LabelEstimate before) {
    const std::string& name = decoder.name;
    if (before.kind == Kind::Fixed || name == "hex" || name == "match") {
      return before;
    }
    if (name == "map") {
      return decoder.rest_is_named ? fixed(decoder.names.size())
                                   : unbounded("values without a name are shown as numbers; *=\"other\" names them");
    }
    if (name == "symbol" && decoder.field_names && !decoder.field_names->symbols.empty()) {
      return decoder.field_names->flags.empty() ? fixed(decoder.field_names->symbols.size())
                                                : of_host("combinations of flags in use; flags() names them");
    }
    if (name == "flags" && decoder.field_names && decoder.field_names->flags.size() <= kMostFlags) {
      return fixed(std::uint64_t{1} << decoder.field_names->flags.size(), "combinations of flags");
    }
    return name == "errno"     ? fixed(kErrors, "errors")
           : name == "signal"  ? fixed(kSignals, "signals")
           : name == "syscall" ? fixed(kSyscalls, "syscalls")
           : name == "flags"   ? of_host("combinations of flags in use")
           : name == "symbol"  ? of_host("names in the kernel")
           : name == "ksym"    ? of_host("functions of the kernel")
           : name == "device"  ? of_host("block devices")
           : name == "ifname"  ? of_host("network interfaces")
           : name == "user"    ? of_host("users")
           : name == "group"   ? of_host("groups")
           : name == "ip"      ? unbounded("addresses of others")
                               : of_host("containers or cgroups");
  }

  const schema::KeyField& field_;
  bool retired_;
  std::size_t tracepoints_;
  unsigned cpus_;
};

std::string label_text(const LabelEstimate& label) {
  if (label.kind == Kind::Fixed) {
    return label.label + " " + std::to_string(label.values);
  }
  return label.label + " (" + label.what + ")";
}

}  // namespace

const LabelEstimate* SeriesEstimate::driver() const {
  const auto found = std::max_element(labels.begin(), labels.end(), [](const LabelEstimate& a, const LabelEstimate& b) {
    return std::pair(a.kind, a.values) < std::pair(b.kind, b.values);
  });
  return found == labels.end() ? nullptr : &*found;
}

SeriesEstimate estimate_series(const config::Metric& metric, const PlannedMetric& planned, unsigned cpus,
                               const Options& options) {
  SeriesEstimate estimate;
  const std::vector<schema::KeyField>& fields = planned.plan.key.fields;
  for (std::size_t i = 0; i < metric.labels.size() && i < fields.size(); ++i) {
    const bool retired = planned.plan.retire_field == i;
    const auto parsed = parse_label(metric.labels[i], options);
    const Estimator estimator(fields[i], retired, planned.tracepoints.size(), cpus);
    LabelEstimate label = parsed ? estimator.decoded(*parsed->value) : unbounded("unknown");
    label.label = metric.labels[i].name.value;
    if (label.kind == Kind::Fixed) {
      constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
      estimate.fixed = std::min(kMost, estimate.fixed * std::min(kMost, std::max<std::uint64_t>(label.values, 1)));
    }
    estimate.labels.push_back(std::move(label));
  }
  return estimate;
}

SeriesEstimate estimate_series(const config::Config& config, const PlannedMetric& planned, unsigned cpus,
                               const Options& options) {
  for (const config::Config::File& file : config.files) {
    for (const config::Metric& metric : file.metrics) {
      if (metric.name.at == planned.plan.at) {
        return estimate_series(metric, planned, cpus, options);
      }
    }
  }
  return {};
}

std::vector<std::string> cardinality_warnings(const SeriesEstimate& estimate, const PlannedMetric& planned) {
  std::vector<std::string> warnings;
  for (const LabelEstimate& label : estimate.labels) {
    if (label.kind == Kind::Unbounded) {
      warnings.push_back("label \"" + label.label + "\" has no bound (" + label.what + "): after " +
                         std::to_string(planned.plan.store.max_series) +
                         " series all further ones are counted together as \"other\"");
    }
  }
  return warnings;
}

std::string to_text(const SeriesEstimate& estimate) {
  const LabelEstimate* driver = estimate.driver();
  if (driver == nullptr) {
    return "1";
  }
  std::string list;
  for (const LabelEstimate& label : estimate.labels) {
    list += (list.empty() ? "" : " × ") + label_text(label);
  }
  switch (driver->kind) {
    case Kind::Fixed:
      return "at most " + std::to_string(estimate.fixed) + ": " + list;
    case Kind::Host:
      return "as the host has: " + list;
    case Kind::Unbounded:
      break;
  }
  return "no bound: " + list;
}

}  // namespace tpx::plan
