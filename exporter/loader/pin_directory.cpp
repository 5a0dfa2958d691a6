#include "loader/pin_directory.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "loader/pin_header.h"
#include "loader/pinned_objects.h"

namespace tpx::loader {

namespace {

namespace fs = std::filesystem;

constexpr long kBpfFilesystem = 0xcafe4a11;  // BPF_FS_MAGIC, linux/magic.h
constexpr const char* kHeader = "header";
constexpr const char* kText = "scrapers";
constexpr const char* kNextHeader = "header_next";
constexpr const char* kMountHint = "mount -t bpf bpf /sys/fs/bpf, and choose a directory there";

/// The process that holds a lock on the inode, as /proc/locks says: `1: FLOCK  ADVISORY  WRITE 123 00:1b:42 0 EOF`.
std::string holder_of(const struct stat& inode) {
  const auto locks = read_file("/proc/locks");
  const std::string number = ":" + std::to_string(inode.st_ino);
  for (const std::string_view line : split(locks ? std::string_view(*locks) : std::string_view(), '\n')) {
    std::vector<std::string_view> words = split(line, ' ');
    std::erase(words, "");
    if (words.size() > 5 && words[1] == "FLOCK" && words[5].ends_with(number)) {
      return "process " + std::string(words[4]);
    }
  }
  return "another process";
}

bool can_be_pinned(const ServingProgram& program) {
  return program.slot != nullptr && program.slot->stub().link_descriptor() >= 0;
}

bool can_be_pinned(const Loaded& loaded, const LoadedMetric& metric) {
  return !metric.planned.plan.retire_field &&
         std::all_of(metric.programs.begin(), metric.programs.end(),
                     [&](std::size_t index) { return can_be_pinned(loaded.programs[index]); });
}

}  // namespace

bool is_bpf_filesystem(const std::string& path) {
  struct statfs filesystem{};
  return ::statfs(path.c_str(), &filesystem) == 0 &&
         static_cast<std::uint32_t>(filesystem.f_type) == static_cast<std::uint32_t>(kBpfFilesystem);
}

Result<std::unique_ptr<PinDirectory>> PinDirectory::open(const std::string& path) {
  std::unique_ptr<PinDirectory> directory(new PinDirectory(path));
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return fail(os_failure("can't make " + path, errno, kMountHint));
  }
  if (auto locked = directory->lock(true); !locked) {
    return fail(std::move(locked.error()));
  }
  return directory;
}

Result<std::unique_ptr<PinDirectory>> PinDirectory::open_to_clear(const std::string& path) {
  std::unique_ptr<PinDirectory> directory(new PinDirectory(path));
  if (auto locked = directory->lock(false); !locked) {
    return fail(std::move(locked.error()));
  }
  return directory;
}

Result<void> PinDirectory::lock(bool own) {
  lock_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat inode{};
  if (!lock_.valid() || ::fstat(lock_.get(), &inode) != 0) {
    return fail(os_failure("can't open " + path_, errno));
  }
  if (!is_bpf_filesystem(path_)) {
    return fail(Error{path_ + " is not on a BPF filesystem", kMountHint, {}, ENOTSUP});
  }
  if (own && (inode.st_uid != ::geteuid() || (inode.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
    return fail(Error{path_ + " can be written by others: they could change the counters",
                      "chown it to the user of this process, and chmod 0700",
                      {},
                      EACCES});
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(
        Error{path_ + " is in use by " + holder_of(inode), "give each exporter a directory of its own", {}, errno});
  }
  return {};
}

Result<std::vector<std::string>> PinDirectory::names() const {
  std::vector<std::string> found;
  std::error_code code;
  for (fs::directory_iterator at(path_, code), end; !code && at != end; at.increment(code)) {
    found.push_back(at->path().filename().string());
  }
  if (code) {
    return fail(os_failure("can't list " + path_, code.value()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<std::string>> PinDirectory::clear() const {
  auto found = names();
  if (!found) {
    return found;
  }
  // The header first: without it the rest means nothing.
  std::stable_partition(found->begin(), found->end(), [](const std::string& name) { return name == kHeader; });
  for (const std::string& name : *found) {
    if (::unlink((path_ + "/" + name).c_str()) != 0) {
      return fail(os_failure("can't remove " + path_ + "/" + name, errno));
    }
  }
  return found;
}

void PinDirectory::remove_others(const std::vector<std::string>& kept) const {
  const auto found = names();
  for (const std::string& name : found ? *found : std::vector<std::string>()) {
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) {
      ::unlink((path_ + "/" + name).c_str());
    }
  }
}

Result<std::optional<Loaded>> PinDirectory::restore() {
  const auto text = read_header();
  if (!text || !*text) {
    return text ? Result<std::optional<Loaded>>(std::nullopt) : fail(text.error());
  }
  const auto header = parse_pin_header(**text);
  if (!header) {
    return fail(header.error());
  }
  Loaded loaded;
  for (const PinnedPoint& point : header->points) {
    auto opened = open_point(path_, point);
    if (!opened) {
      return fail(std::move(opened.error()));
    }
    loaded.programs.push_back(std::move(*opened));
  }
  for (const PinnedMetric& metric : header->metrics) {
    auto opened = open_metric(path_, metric);
    if (!opened) {
      return fail(std::move(opened.error()));
    }
    loaded.metrics.push_back(std::move(*opened));
  }
  return std::optional(std::move(loaded));
}

Result<std::shared_ptr<KeptText>> PinDirectory::text() {
  const std::string path = path_ + "/" + kText;
  auto map = open_pin(path);
  const bool there = map.has_value();
  auto region = Result<Region>();
  if (there) {
    const auto info = map_info(*map, BPF_MAP_TYPE_ARRAY, path);
    if (!info || info->value_size != KeptText::kBytes) {
      return fail("the pin " + path + " is not what this version keeps there");
    }
    region = Region::map(std::move(*map), KeptText::kBytes, {});
  } else {
    region = Region::create(kText, KeptText::kBytes);
  }
  if (!region) {
    return fail(std::move(region.error()));
  }
  if (!there) {
    if (auto pinned = pin(region->descriptor(), kText); !pinned) {
      return fail(std::move(pinned.error()));
    }
  }
  return std::make_shared<KeptText>(std::move(*region));
}

Result<std::string> PinDirectory::pin(int descriptor, const std::string& name) {
  const std::string path = path_ + "/" + name;
  if (bpf_obj_pin(descriptor, path.c_str()) != 0 && errno != EEXIST) {
    return fail(os_failure("can't pin " + path, errno));
  }
  return name;
}

Result<void> PinDirectory::save(const Loaded& loaded) {
  return save(loaded, Metrics::All);
}

std::vector<std::string> PinDirectory::left_out(const Loaded& loaded) {
  std::vector<std::string> names;
  for (const LoadedMetric& metric : loaded.metrics) {
    if (!can_be_pinned(loaded, metric)) {
      names.push_back(metric.planned.plan.name);
    }
  }
  for (const LoadedObject& object : loaded.objects) {
    for (const LoadedObjectMetric& metric : object.metrics) {
      names.push_back(metric.plan.planned.plan.name);
    }
  }
  return names;
}

Result<void> PinDirectory::prepare(const Loaded& next) {
  return save(next, Metrics::Kept);
}

Result<void> PinDirectory::save(const Loaded& loaded, Metrics which) {
  auto written = write_pins(loaded, which);
  if (!written) {
    if (header_.size() > 0) {  // where it can't be removed
      header_.store(0, 0);
    }
    ::unlink((path_ + "/" + kHeader).c_str());
  }
  return written;
}

// Names have the kernel's id of what is pinned, so that a name never comes to mean another object, and what is pinned
// already is found to be (EEXIST). The kernel gives ids anew only after 2^31 others.
Result<void> PinDirectory::write_pins(const Loaded& loaded, Metrics which) {
  PinHeader header;
  std::vector<std::string> kept{kHeader, kText};
  std::optional<Error> error;
  const auto keep = [&](int descriptor, const std::string& kind, std::uint32_t id) -> std::string {
    auto name = pin(descriptor, kind + "_" + std::to_string(id));
    if (!name) {
      error = error ? std::move(error) : std::move(name.error());
      return {};
    }
    kept.push_back(*name);
    return *name;
  };
  const auto keep_region = [&](const Region& region, const char* kind) {
    const Region::Piece hidden = region.hidden();
    return PinnedRegion{keep(region.descriptor(), kind, map_id(region.descriptor())), region.size(), hidden.offset,
                        hidden.bytes};
  };
  std::vector<std::size_t> point_of(loaded.programs.size());
  for (const LoadedMetric& metric : loaded.metrics) {
    if (!can_be_pinned(loaded, metric) || (which == Metrics::Kept && !metric.kept)) {
      continue;
    }
    PinnedMetric pinned{metric.planned.plan.name, metric.identity, keep_region(metric.region, "counts"), {}, {}, {}, {},
                        metric.misses_before};
    if (metric.shown.size() > 0) {
      pinned.shown = keep_region(metric.shown, "shown");
    }
    if (metric.hash.valid()) {
      pinned.hash = keep(metric.hash.get(), "hash", map_id(metric.hash.get()));
    }
    if (metric.pair.size() > 0) {
      pinned.pair = keep_region(metric.pair, "pairs");
    }
    for (const std::size_t index : metric.programs) {
      const AttachSlot& slot = *loaded.programs[index].slot;
      if (point_of[index] == 0) {
        const int map = slot.slot_descriptor();
        const std::uint32_t stub = program_id(slot.stub().descriptor());
        header.points.push_back({loaded.programs[index].point,
                                 keep(map, "slot", map_id(map)),
                                 keep(slot.stub().descriptor(), "stub", stub),
                                 {}});
        point_of[index] = header.points.size();
      }
      pinned.points.push_back(point_of[index] - 1);
    }
    header.metrics.push_back(std::move(pinned));
  }
  // Links last: from then on it counts without this process.
  for (std::size_t index = 0; index < point_of.size() && !error; ++index) {
    if (point_of[index] != 0) {
      const LoadedProgram& stub = loaded.programs[index].slot->stub();
      header.points[point_of[index] - 1].link = keep(stub.link_descriptor(), "link", program_id(stub.descriptor()));
    }
  }
  if (error) {
    return fail(std::move(*error));
  }
  if (auto written = write_header(render_pin_header(header)); !written) {
    return written;
  }
  if (which == Metrics::All) {
    remove_others(kept);
  }
  return {};
}

Result<void> PinDirectory::write_header(const std::string& text) {
  auto region = Region::create("header", text.size() + sizeof(std::uint64_t));
  if (!region) {
    return fail(std::move(region.error()));
  }
  std::memcpy(region->data() + sizeof(std::uint64_t), text.data(), text.size());
  region->store(0, text.size());
  const std::string next = path_ + "/" + kNextHeader;
  ::unlink(next.c_str());
  if (bpf_obj_pin(region->descriptor(), next.c_str()) != 0) {
    return fail(os_failure("can't pin " + next, errno));
  }
  if (::rename(next.c_str(), (path_ + "/" + kHeader).c_str()) != 0) {
    return fail(os_failure("can't replace the header in " + path_, errno));
  }
  header_ = std::move(*region);
  return {};
}

Result<std::optional<std::string>> PinDirectory::read_header() {
  const std::string path = path_ + "/" + kHeader;
  auto map = open_pin(path);
  if (!map) {
    return map.error().os_error == ENOENT ? Result<std::optional<std::string>>(std::nullopt) : fail(map.error());
  }
  const auto info = map_info(*map, BPF_MAP_TYPE_ARRAY, path);
  if (!info) {
    return fail(info.error());
  }
  auto region = Region::map(std::move(*map), info->value_size, {});
  if (!region) {
    return fail(std::move(region.error()));
  }
  header_ = std::move(*region);
  const std::uint64_t size = header_.load(0);
  if (size > header_.size() - sizeof(std::uint64_t)) {
    return fail("the header in " + path_ + " is truncated");
  }
  return std::optional(std::string(reinterpret_cast<const char*>(header_.data() + sizeof(std::uint64_t)), size));
}

}  // namespace tpx::loader
