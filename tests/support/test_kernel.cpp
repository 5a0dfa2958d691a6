#include "support/test_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tpx::test {

namespace {

/// Handles lie where no host pointer does: not canonical on any machine we run on.
constexpr std::uint64_t kHandles = 0xbf00'0000'0000'0000;
constexpr std::uint64_t kHandleStride = 4096;

Bytes key_bytes(std::uint32_t index) {
  Bytes key(sizeof index);
  std::memcpy(key.data(), &index, sizeof index);
  return key;
}

}  // namespace

bool TestMap::per_cpu() const {
  return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH;
}

bool TestMap::array() const {
  return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

TestKernel::TestKernel(std::uint32_t possible_cpus) : possible_cpus_(possible_cpus) {
  add_state_helpers();
  add_map_helpers();
  add_ring_helpers();
  add_read_helpers();
}

TestMap& TestKernel::add_map(const std::string& name, bpf_map_type type, std::uint32_t key_size,
                             std::uint32_t value_size, std::uint32_t max_entries) {
  maps_.push_back(std::make_unique<TestMap>(TestMap{name, type, key_size, value_size, max_entries}));
  TestMap& map = *maps_.back();
  if (map.array()) {
    for (std::uint32_t index = 0; index < max_entries; ++index) {
      set(map, key_bytes(index));
    }
  }
  return map;
}

TestMap& TestKernel::map(const std::string& name) {
  for (const auto& map : maps_) {
    if (map->name == name) {
      return *map;
    }
  }
  throw Fault{"no such map", name};
}

std::uint64_t TestKernel::handle(const std::string& name) {
  const TestMap* wanted = &map(name);
  const auto at = std::find_if(maps_.begin(), maps_.end(), [&](const auto& map) { return map.get() == wanted; });
  return kHandles + static_cast<std::uint64_t>(at - maps_.begin()) * kHandleStride;
}

TestMap& TestKernel::map_of(std::uint64_t handle) {
  const std::uint64_t index = (handle - kHandles) / kHandleStride;
  if (handle % kHandleStride != 0 || index >= maps_.size()) {
    throw Fault{"not a map", "the helper's first argument"};
  }
  return *maps_[index];
}

std::span<std::uint8_t> TestKernel::set(TestMap& map, const Bytes& key, std::uint32_t on) {
  auto [entry, is_new] = map.entries.try_emplace(key);
  if (is_new) {
    entry->second.assign(map.per_cpu() ? possible_cpus_ : 1, Bytes(map.value_size));
    for (const Bytes& value : entry->second) {
      memory.add(
          {.name = "value of " + map.name, .base = address_of(value.data()), .size = value.size(), .writable = true});
    }
  }
  return entry->second.at(map.per_cpu() ? on : 0);
}

std::span<std::uint8_t> TestKernel::value(const std::string& name) {
  return set(map(name), key_bytes(0));
}

bool TestKernel::erase(TestMap& map, const Bytes& key) {
  const auto entry = map.entries.find(key);
  if (entry == map.entries.end()) {
    return false;
  }
  for (const Bytes& value : entry->second) {
    memory.remove(address_of(value.data()));
  }
  map.entries.erase(entry);
  return true;
}

Bytes* TestKernel::find(TestMap& map, const Bytes& key, std::uint32_t on) {
  const auto entry = map.entries.find(key);
  if (entry == map.entries.end()) {
    return nullptr;
  }
  const std::uint32_t index = map.per_cpu() ? on : 0;
  return index < entry->second.size() ? &entry->second[index] : nullptr;
}

/// As array_map_update_elem() and htab_map_update_elem() answer.
std::int64_t TestKernel::update(TestMap& map, const Bytes& key, const Bytes& value, std::uint64_t flags) {
  const bool exists = map.entries.contains(key);
  if (map.array() && !exists) {
    return -E2BIG;
  }
  if (flags == BPF_NOEXIST && exists) {
    return -EEXIST;
  }
  if (flags == BPF_EXIST && !exists) {
    return -ENOENT;
  }
  if (!exists && map.entries.size() >= map.max_entries) {
    return -E2BIG;
  }
  std::ranges::copy(value, set(map, key, cpu).begin());
  return 0;
}

std::uint64_t TestKernel::lookup(const Arguments& arguments, std::uint32_t on) {
  TestMap& map = map_of(arguments[0]);
  Bytes key(map.key_size);
  memory.load(arguments[1], key);
  const Bytes* value = find(map, key, on);
  return value == nullptr ? 0 : address_of(value->data());
}

std::uint64_t TestKernel::task_storage(const Arguments& arguments) {
  TestMap& map = map_of(arguments[0]);
  Bytes key(sizeof(std::uint64_t));
  std::memcpy(key.data(), &arguments[1], key.size());
  if (!map.entries.contains(key) && (arguments[3] & BPF_LOCAL_STORAGE_GET_F_CREATE) == 0) {
    return 0;
  }
  return address_of(set(map, key).data());
}

void TestKernel::add_map_helpers() {
  helpers[BPF_FUNC_map_lookup_elem] = {2, [this](const Arguments& a) { return lookup(a, cpu); }};
  helpers[BPF_FUNC_map_lookup_percpu_elem] = {
      3, [this](const Arguments& a) { return lookup(a, static_cast<std::uint32_t>(a[2])); }};
  helpers[BPF_FUNC_map_update_elem] = {4, [this](const Arguments& a) {
                                         TestMap& map = map_of(a[0]);
                                         Bytes key(map.key_size);
                                         Bytes value(map.value_size);
                                         memory.load(a[1], key);
                                         memory.load(a[2], value);
                                         return static_cast<std::uint64_t>(update(map, key, value, a[3]));
                                       }};
  helpers[BPF_FUNC_map_delete_elem] = {2, [this](const Arguments& a) {
                                         TestMap& map = map_of(a[0]);
                                         Bytes key(map.key_size);
                                         memory.load(a[1], key);
                                         const std::int64_t error = map.array() ? -EINVAL : -ENOENT;
                                         const bool erased = !map.array() && erase(map, key);
                                         return static_cast<std::uint64_t>(erased ? 0 : error);
                                       }};
  helpers[BPF_FUNC_task_storage_get] = {4, [this](const Arguments& a) { return task_storage(a); }};
}

}  // namespace tpx::test
