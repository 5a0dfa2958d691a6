#include "loader/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/file.h"
#include "loader/attachable.h"
#include "loader/libbpf_log.h"
#include "loader/object_options.h"

namespace tpx::loader {

namespace {

constexpr std::int64_t kDefaultHertz = 49;  // not a divisor of the timer's rate, so as not to run in step with it

struct MapKind {
  bpf_map_type type;
  const char* name;
  bool array;
  bool per_cpu;
};
constexpr MapKind kKinds[] = {
    {BPF_MAP_TYPE_HASH, "hash", false, false},         {BPF_MAP_TYPE_PERCPU_HASH, "per-CPU hash", false, true},
    {BPF_MAP_TYPE_LRU_HASH, "LRU hash", false, false}, {BPF_MAP_TYPE_LRU_PERCPU_HASH, "LRU per-CPU hash", false, true},
    {BPF_MAP_TYPE_ARRAY, "array", true, false},        {BPF_MAP_TYPE_PERCPU_ARRAY, "per-CPU array", true, true}};

bool is_declared(const bpf_map* map) {
  const std::string_view name = bpf_map__name(map);
  return name.find('.') == std::string_view::npos;  // OBJECT.bss and the like are made of variables
}

plan::ObjectMap describe(const bpf_map* map) {
  plan::ObjectMap result;
  result.name = bpf_map__name(map);
  const char* kind = libbpf_bpf_map_type_str(bpf_map__type(map));
  result.kind = kind != nullptr ? kind : "map of an unknown type";
  for (const MapKind& known : kKinds) {
    if (known.type == bpf_map__type(map)) {
      result.kind = known.name;
      result.readable = true;
      result.array = known.array;
      result.per_cpu = known.per_cpu;
    }
  }
  result.key_size = bpf_map__key_size(map);
  result.value_size = bpf_map__value_size(map);
  result.key_type = bpf_map__btf_key_type_id(map);
  result.value_type = bpf_map__btf_value_type_id(map);
  result.max_entries = bpf_map__max_entries(map);
  return result;
}

/// Ids of the maps that a program uses.
std::set<__u32> maps_of(int program) {
  std::vector<__u32> ids(64);
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<__u32>(ids.size());
  info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(program, &info, &size) != 0) {
    return {};
  }
  ids.resize(std::min<std::size_t>(info.nr_map_ids, ids.size()));
  return {ids.begin(), ids.end()};
}

__u32 id_of_map(int map) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(map, &info, &size) == 0 ? info.id : 0;
}

class ObjectLoader {
 public:
  ObjectLoader(ObjectFile file, std::vector<plan::ObjectMetricPlan> metrics, std::vector<plan::Rejected>& rejected)
      : file_(std::move(file)), metrics_(std::move(metrics)), rejected_(rejected) {}

  Result<LoadedObject> run(Attach attach) {
    if (auto loaded = load_without_refused(); !loaded) {
      return fail(std::move(loaded.error()));
    }
    list_programs();
    attach_all(attach);
    serve_metrics();
    result_.path = file_.path();
    result_.name = file_.path().substr(file_.path().rfind('/') + 1);
    result_.name = result_.name.substr(0, result_.name.find('.'));
    result_.object = file_.release();
    return std::move(result_);
  }

 private:
  /// libbpf loads all programs or none: those that the kernel refuses are switched off one by one.
  Result<void> load_without_refused() {
    for (;;) {
      prepare();
      LibbpfLog log;
      const int code = bpf_object__load(file_.get());
      if (code == 0) {
        return {};
      }
      const std::string name = refused_program(log.text());
      const std::string reason = reason_in(log.text());
      if (name.empty() || refused_.contains(name) ||
          bpf_object__find_program_by_name(file_.get(), name.c_str()) == nullptr) {
        return fail(load_failure(log.text(), -code));
      }
      const bool privilege = code == -EPERM && reason.find("BPF program load failed") != std::string::npos;
      refused_.emplace(name, Error{"the kernel refused program \"" + name + "\" of " + file_.path() + ": " + reason,
                                   privilege ? "run as root, or with CAP_BPF and CAP_PERFMON" : "", file_.at()});
      auto fresh = file_.again();
      if (!fresh) {
        return fail(std::move(fresh.error()));
      }
      file_ = std::move(*fresh);
    }
  }

  [[nodiscard]] Error load_failure(const std::string& log, int code) const {
    const std::string reason = reason_in(log);
    const std::string what = "can't load " + file_.path();
    if (const std::string name = missing_extern(log); !name.empty()) {
      return {what + ": this kernel has no \"" + name + "\", which the object declares extern",
              "declare it __weak and test it before use, or load the object on a kernel that has it", file_.at(), code};
    }
    return reason.empty() ? os_failure(what, code).at(file_.at()) : Error{what + ": " + reason, {}, file_.at(), code};
  }

  void prepare() {
    for (const auto& [name, error] : refused_) {
      bpf_program__set_autoload(bpf_object__find_program_by_name(file_.get(), name.c_str()), false);
    }
    for (const plan::ObjectMetricPlan& metric : metrics_) {
      bpf_map* map = bpf_object__find_map_by_name(file_.get(), metric.rows.map.name.c_str());
      if (metric.rows.map.max_entries != bpf_map__max_entries(map)) {
        bpf_map__set_max_entries(map, metric.rows.map.max_entries);
      }
    }
  }

  void list_programs() {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, file_.get()) {
      ObjectProgram entry{bpf_program__name(program), bpf_program__section_name(program), bpf_program__fd(program), {}};
      if (const auto refused = refused_.find(entry.name); refused != refused_.end()) {
        entry.refused = refused->second;
        entry.descriptor = -1;
      }
      result_.programs.push_back(std::move(entry));
    }
  }

  void attach_all(Attach attach) {
    for (ObjectProgram& entry : result_.programs) {
      if (entry.refused) {
        continue;
      }
      const bpf_program* program = bpf_object__find_program_by_name(file_.get(), entry.name.c_str());
      auto problem = not_attachable(program);
      if (!problem && attach == Attach::Yes) {
        problem = attach_one(program);
      }
      if (problem) {
        const std::string context =
            "can't attach program \"" + entry.name + "\" (" + entry.section + ") of " + file_.path();
        entry.descriptor = -1;
        entry.refused = std::move(*problem).with_context(context + ": ").at(file_.at());
      }
    }
  }

  std::optional<Error> attach_one(const bpf_program* program) {
    LibbpfLog log;
    const int code = bpf_program__type(program) == BPF_PROG_TYPE_PERF_EVENT ? sample(program) : link_one(program);
    if (code == 0) {
      return std::nullopt;
    }
    const std::string reason = reason_in(log.text());
    return os_failure(reason.empty() ? "the kernel refused" : reason, -code);
  }

  int link_one(const bpf_program* program) {
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) {
      return -errno;
    }
    result_.links.emplace_back(link);
    return 0;
  }

  int sample(const bpf_program* program) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    attributes.freq = 1;
    attributes.sample_freq = static_cast<__u64>(constant_of(file_.get(), "sample_hertz").value_or(kDefaultHertz));
    bool any = false;
    for (int cpu = 0; cpu < libbpf_num_possible_cpus(); ++cpu) {
      UniqueFd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
      if (!event.valid()) {
        if (errno == ENODEV) {
          continue;  // a CPU that is possible, not online
        }
        return -errno;
      }
      bpf_link* link = bpf_program__attach_perf_event(program, event.get());
      if (link == nullptr) {
        return -errno;
      }
      event.release();  // the link's now
      result_.links.emplace_back(link);
      any = true;
    }
    return any ? 0 : -ENODEV;
  }

  /// Metrics whose map a running program uses.
  void serve_metrics() {
    std::set<__u32> used;
    std::vector<std::string> sections;
    const Error* refused = nullptr;
    for (const ObjectProgram& program : result_.programs) {
      if (program.descriptor >= 0) {
        used.merge(maps_of(program.descriptor));
        sections.push_back(program.section);
      }
      refused = program.refused ? &*program.refused : refused;
    }
    for (plan::ObjectMetricPlan& metric : metrics_) {
      const bpf_map* map = bpf_object__find_map_by_name(file_.get(), metric.rows.map.name.c_str());
      if (!used.contains(id_of_map(bpf_map__fd(map)))) {
        Error error{"no program of " + file_.path() + " writes map \"" + metric.rows.map.name + "\"", {}, file_.at()};
        rejected_.push_back({metric.planned.plan.name, refused != nullptr ? *refused : error, true, file_.at()});
        continue;
      }
      metric.planned.tracepoints = sections;
      LoadedObjectMetric loaded;
      loaded.plan = std::move(metric);
      loaded.map = UniqueFd(fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3));
      find_lost_events(loaded);
      result_.metrics.push_back(std::move(loaded));
    }
  }

  void find_lost_events(LoadedObjectMetric& metric) const {
    const ::btf* btf = bpf_object__btf(file_.get());
    const int section = btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC);
    if (section < 0) {
      return;
    }
    const btf_type* type = btf__type_by_id(btf, static_cast<__u32>(section));
    const btf_var_secinfo* entry = btf_var_secinfos(type);
    for (int i = 0; i < btf_vlen(type); ++i, ++entry) {
      const btf_type* variable = btf__type_by_id(btf, entry->type);
      if (entry->size == 8 && std::string_view(btf__name_by_offset(btf, variable->name_off)) == "lost_events") {
        metric.lost_offset = entry->offset;
        const bpf_map* map = nullptr;
        bpf_object__for_each_map(map, file_.get()) {
          if (std::string_view(bpf_map__name(map)).ends_with(".bss")) {
            metric.lost_map = bpf_map__fd(map);
            metric.lost_map_size = bpf_map__value_size(map);
          }
        }
      }
    }
  }

  ObjectFile file_;
  std::vector<plan::ObjectMetricPlan> metrics_;
  std::vector<plan::Rejected>& rejected_;
  std::map<std::string, Error> refused_;
  LoadedObject result_;
};

}  // namespace

void ObjectDeleter::operator()(::bpf_object* object) const {
  bpf_object__close(object);
}

void LinkDeleter::operator()(::bpf_link* link) const {
  bpf_link__destroy(link);
}

Result<ObjectFile> ObjectFile::open(const std::string& path, const std::map<std::string, config::Text>& options,
                                    const SourceLocation& at) {
  LibbpfLog log;
  ObjectFile file;
  file.path_ = path;
  file.options_ = options;
  file.at_ = at;
  if (auto regular = check_regular_file(path); !regular) {  // libbpf would wait for a FIFO's writer
    return fail(std::move(regular).error().with_context("can't read BPF object ").at(at));
  }
  file.object_.reset(bpf_object__open_file(path.c_str(), nullptr));
  if (!file.object_) {
    const int code = errno;
    if (code == ENOENT || code == EACCES) {
      return fail(os_failure("can't read BPF object " + path, code).at(at));
    }
    const std::string reason = reason_in(log.text());
    return fail(Error{path + " is no BPF object: " + (reason.empty() ? "libbpf can't read it" : reason),
                      "compile it with clang -O2 -g -target bpf", at, code});
  }
  if (bpf_object__btf(file.object_.get()) == nullptr) {
    return fail(Error{path + " has no type information (BTF), which labels and options come from",
                      "compile it with clang -g, and don't strip it of .BTF", at});
  }
  if (auto set = set_options(file.object_.get(), options); !set) {
    return fail(std::move(set.error()));
  }
  return file;
}

std::vector<plan::ObjectMap> ObjectFile::maps() const {
  std::vector<plan::ObjectMap> result;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    if (is_declared(map)) {
      result.push_back(describe(map));
    }
  }
  return result;
}

kernel::Btf ObjectFile::btf() const {
  return kernel::Btf::borrow(bpf_object__btf(object_.get()));
}

Result<LoadedObject> load_object(ObjectFile file, std::vector<plan::ObjectMetricPlan> metrics,
                                 std::vector<plan::Rejected>& rejected, Attach attach) {
  return ObjectLoader(std::move(file), std::move(metrics), rejected).run(attach);
}

Result<LoadedProgram::Statistics> statistics_of(const ObjectProgram& program) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(program.descriptor, &info, &size) != 0) {
    return fail(os_failure("can't ask for the statistics of program " + program.name, errno));
  }
  return LoadedProgram::Statistics{info.run_cnt, info.run_time_ns, info.recursion_misses};
}

}  // namespace tpx::loader
