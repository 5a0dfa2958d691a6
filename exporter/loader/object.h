#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "kernel/btf.h"
#include "loader/program.h"
#include "plan/object_plan.h"

struct bpf_link;
struct bpf_object;

namespace tpx::loader {

struct ObjectDeleter {
  void operator()(::bpf_object* object) const;
};
struct LinkDeleter {
  void operator()(::bpf_link* link) const;
};
using ObjectHandle = std::unique_ptr<::bpf_object, ObjectDeleter>;
using LinkHandle = std::unique_ptr<::bpf_link, LinkDeleter>;

/// A BPF object that is read and not loaded: needs no privilege. Move-only.
class ObjectFile {
 public:
  /// Reads an ELF object with BTF and sets its options. Errors have their place in the configuration: `at`, the object's
  /// name, or the option's.
  [[nodiscard]] static Result<ObjectFile> open(const std::string& path,
                                               const std::map<std::string, config::Text>& options,
                                               const SourceLocation& at);

  /// The maps that the program declares; not those of its variables.
  [[nodiscard]] std::vector<plan::ObjectMap> maps() const;
  /// Valid as long as the file.
  [[nodiscard]] kernel::Btf btf() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const SourceLocation& at() const { return at_; }
  [[nodiscard]] ::bpf_object* get() const { return object_.get(); }
  [[nodiscard]] ObjectHandle release() { return std::move(object_); }

  /// The same file again, with the same options: libbpf can't load an object twice.
  [[nodiscard]] Result<ObjectFile> again() const { return open(path_, options_, at_); }

 private:
  ObjectHandle object_;
  std::string path_;
  std::map<std::string, config::Text> options_;
  SourceLocation at_;
};

struct LoadedObjectMetric {
  plan::ObjectMetricPlan plan;
  UniqueFd map;
  int lost_map = -1;  ///< the map that holds `lost_events`, see LoadedObject; -1: the program does not count them
  std::uint32_t lost_offset = 0;
  std::uint32_t lost_map_size = 0;
};

/// A program of an object, or why it does not run.
struct ObjectProgram {
  std::string name;
  std::string section;
  int descriptor = -1;  ///< owned by the object; -1: it does not run
  std::optional<Error> refused;
};

/// An object that runs. Programs are detached before their maps go. A global variable `__u64 lost_events`, where it has one,
/// counts what the program could not keep (a full map).
struct LoadedObject {
  std::string path;
  std::string name;  ///< the file's, without directory and .bpf.o
  ObjectHandle object;
  std::vector<LinkHandle> links;  ///< after `object`: die first
  std::vector<ObjectProgram> programs;
  std::vector<LoadedObjectMetric> metrics;
};

/// Loads the object and attaches every program as its section name says: all that libbpf attaches so, and
/// SEC("perf_event") on every CPU, `sample_hertz` times a second (a variable of the object; 49 without it).
///
/// A program that the kernel refuses is left out, with the reason; the others run. Metrics whose map no running program
/// uses go to `rejected`. Fails when the object's maps can't be had.
[[nodiscard]] Result<LoadedObject> load_object(ObjectFile file, std::vector<plan::ObjectMetricPlan> metrics,
                                               std::vector<plan::Rejected>& rejected, Attach attach = Attach::Yes);

/// Runs and time of a program: see LoadedProgram::statistics().
[[nodiscard]] Result<LoadedProgram::Statistics> statistics_of(const ObjectProgram& program);

}  // namespace tpx::loader
