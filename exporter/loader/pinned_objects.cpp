#include "loader/pinned_objects.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace tpx::loader {

Result<UniqueFd> open_pin(const std::string& path) {
  UniqueFd descriptor(bpf_obj_get(path.c_str()));
  if (!descriptor.valid()) {
    return fail(os_failure("can't open the pin " + path, errno));
  }
  return descriptor;
}

Result<bpf_map_info> map_info(const UniqueFd& map, bpf_map_type type, const std::string& path) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0 || info.type != static_cast<__u32>(type)) {
    return fail("the pin " + path + " is not what the header says");
  }
  return info;
}

__u32 program_id(int program) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(program, &info, &size) == 0 ? info.id : 0;
}

__u32 map_id(int map) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(map, &info, &size) == 0 ? info.id : 0;
}

namespace {

__u32 program_of_link(int link) {
  bpf_link_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(link, &info, &size) == 0 ? info.prog_id : 0;
}

Result<Region> open_region(const std::string& path, const PinnedRegion& pinned) {
  auto array = open_pin(path);
  if (!array) {
    return fail(std::move(array.error()));
  }
  const auto info = map_info(*array, BPF_MAP_TYPE_ARRAY, path);
  if (!info) {
    return fail(info.error());
  }
  if (info->value_size != pinned.bytes) {
    return fail("the pin " + path + " has another size than the header says");
  }
  return Region::map(std::move(*array), pinned.bytes, {pinned.hidden_offset, pinned.hidden_bytes});
}

}  // namespace

Result<LoadedMetric> open_metric(const std::string& directory, const PinnedMetric& pinned) {
  LoadedMetric metric;
  metric.identity = pinned.identity;
  metric.planned.plan.name = pinned.name;
  metric.misses_before = pinned.misses_before;
  metric.programs.assign(pinned.points.begin(), pinned.points.end());
  for (const auto& [from, to] : {std::pair(&pinned.region, &metric.region), std::pair(&pinned.pair, &metric.pair),
                                 std::pair(&pinned.shown, &metric.shown)}) {
    if (from != &pinned.region && from->pin.empty()) {
      continue;
    }
    auto region = open_region(directory + "/" + from->pin, *from);
    if (!region) {
      return fail(std::move(region.error()));
    }
    *to = std::move(*region);
  }
  if (!pinned.hash.empty()) {
    const std::string path = directory + "/" + pinned.hash;
    auto hash = open_pin(path);
    if (!hash) {
      return fail(std::move(hash.error()));
    }
    if (!map_info(*hash, BPF_MAP_TYPE_HASH, path)) {
      if (const auto info = map_info(*hash, BPF_MAP_TYPE_PERCPU_HASH, path); !info) {
        return fail(info.error());
      }
    }
    metric.hash = std::move(*hash);
  }
  return metric;
}

Result<ServingProgram> open_point(const std::string& directory, const PinnedPoint& pinned) {
  ServingProgram program{pinned.point, {}, 0, {}, {}};
  std::vector<UniqueFd> opened;
  for (const std::string* name : {&pinned.slot, &pinned.stub, &pinned.link}) {
    auto pin = open_pin(directory + "/" + *name);
    if (!pin) {
      return fail(std::move(pin.error()));
    }
    opened.push_back(std::move(*pin));
  }
  if (const auto info = map_info(opened[0], BPF_MAP_TYPE_PROG_ARRAY, directory + "/" + pinned.slot); !info) {
    return fail(info.error());
  }
  const __u32 stub = program_id(opened[1].get());
  if (stub == 0 || program_of_link(opened[2].get()) != stub) {
    return fail("the pin " + directory + "/" + pinned.link + " is not the link of its stub");
  }
  program.slot = AttachSlot::adopt(pinned.point, std::move(opened[0]),
                                   LoadedProgram::adopt(std::move(opened[1]), std::move(opened[2])));
  return program;
}

}  // namespace tpx::loader
