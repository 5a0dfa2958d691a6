#include <algorithm>
#include <cerrno>
#include <utility>

#include "support/test_kernel.h"

namespace tpx::test {

namespace {

/// Undefined bytes, such as those of a record just reserved, so that a test sees them.
constexpr std::uint8_t kUndefined = 0xcd;
constexpr std::uint64_t kNullPage = 4096;

constexpr std::uint64_t negative(int error) {
  return static_cast<std::uint64_t>(-std::int64_t{error});
}

}  // namespace

void TestKernel::add_state_helpers() {
  const auto answer = [this](std::uint32_t helper, std::uint64_t (*get)(const TestKernel&)) {
    helpers[helper] = {0, [this, get](const Arguments&) { return get(*this); }};
  };
  answer(BPF_FUNC_get_smp_processor_id, [](const TestKernel& k) { return std::uint64_t{k.cpu}; });
  answer(BPF_FUNC_ktime_get_ns, [](const TestKernel& k) { return k.ktime_ns; });
  answer(BPF_FUNC_get_current_pid_tgid, [](const TestKernel& k) { return k.pid_tgid; });
  answer(BPF_FUNC_get_current_uid_gid, [](const TestKernel& k) { return k.uid_gid; });
  answer(BPF_FUNC_get_current_cgroup_id, [](const TestKernel& k) { return k.cgroup_id; });
  answer(BPF_FUNC_get_current_task, [](const TestKernel& k) { return k.current_task; });
  answer(BPF_FUNC_get_current_task_btf, [](const TestKernel& k) { return k.current_task; });
  answer(BPF_FUNC_get_prandom_u32, [](const TestKernel& k) { return std::uint64_t{k.random}; });
  // Cut at size - 1 and padded with zeros (bpf_get_current_comm in kernel/bpf/helpers.c).
  helpers[BPF_FUNC_get_current_comm] = {2, [this](const Arguments& a) {
                                          memory.check_store(a[0], a[1]);
                                          Bytes bytes(a[1]);
                                          const std::size_t length =
                                              std::min(comm.size(), std::max<std::size_t>(bytes.size(), 1) - 1);
                                          std::copy_n(comm.begin(), length, bytes.begin());
                                          memory.store(a[0], bytes);
                                          return std::uint64_t{0};
                                        }};
}

bool TestKernel::ring_has_room(const TestMap& map, std::size_t size) const {
  // A record is its header of BPF_RINGBUF_HDR_SZ bytes and its bytes, rounded up to 8.
  const auto taken = [](std::size_t bytes) { return (bytes + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8; };
  std::size_t used = taken(size);
  for (const Bytes& record : map.records) {
    used += taken(record.size());
  }
  for (const Reservation& reservation : reservations_) {
    used += reservation.map == &map ? taken(reservation.bytes.size()) : 0;
  }
  // The kernel refuses a record that would bring the positions of producer and consumer further apart than this.
  return used <= map.max_entries - 1;
}

std::uint64_t TestKernel::reserve(const Arguments& arguments) {
  TestMap& map = map_of(arguments[0]);
  if (!ring_has_room(map, arguments[1])) {
    return 0;
  }
  reservations_.push_back({&map, Bytes(arguments[1], kUndefined)});
  const Bytes& bytes = reservations_.back().bytes;
  return memory.add({.name = "record of " + map.name,
                     .base = address_of(bytes.data()),
                     .size = bytes.size(),
                     .writable = true,
                     .initialised = std::vector<bool>(bytes.size())});
}

std::uint64_t TestKernel::release(const Arguments& arguments, bool submit) {
  const auto at = std::find_if(reservations_.begin(), reservations_.end(), [&](const Reservation& reservation) {
    return address_of(reservation.bytes.data()) == arguments[0];
  });
  if (at == reservations_.end()) {
    throw Fault{"not a reserved record", "the helper's first argument"};
  }
  memory.remove(arguments[0]);
  if (submit) {
    at->map->records.push_back(std::move(at->bytes));
  }
  reservations_.erase(at);
  return 0;
}

void TestKernel::add_ring_helpers() {
  helpers[BPF_FUNC_ringbuf_output] = {4, [this](const Arguments& a) {
                                        TestMap& map = map_of(a[0]);
                                        Bytes record = memory.copy(a[1], a[2]);
                                        if (!ring_has_room(map, record.size())) {
                                          return negative(EAGAIN);
                                        }
                                        map.records.push_back(std::move(record));
                                        return std::uint64_t{0};
                                      }};
  helpers[BPF_FUNC_perf_event_output] = {5, [this](const Arguments& a) {
                                           map_of(a[1]).records.push_back(memory.copy(a[3], a[4]));
                                           return std::uint64_t{0};
                                         }};
  helpers[BPF_FUNC_ringbuf_reserve] = {3, [this](const Arguments& a) { return reserve(a); }};
  helpers[BPF_FUNC_ringbuf_submit] = {2, [this](const Arguments& a) { return release(a, true); }};
  helpers[BPF_FUNC_ringbuf_discard] = {2, [this](const Arguments& a) { return release(a, false); }};
}

std::uint64_t TestKernel::read_error(std::uint64_t address, std::size_t size, bool kernel, bool user) {
  const Region* region = memory.find(address, size);
  if (kernel && !user && (address < kNullPage || (region != nullptr && region->space == Space::User))) {
    return negative(ERANGE);
  }
  const bool good = region != nullptr && (region->space == Space::Kernel ? kernel : user);
  return good ? 0 : negative(EFAULT);
}

/// bpf_probe_read_*(destination, size, source): on a bad source the destination becomes zero and the answer is
/// the error.
std::uint64_t TestKernel::probe_read(const Arguments& arguments, bool kernel, bool user) {
  const auto [destination, size, source, unused4, unused5] = arguments;
  memory.check_store(destination, size);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(source);
  const std::uint64_t error = read_error(source, size, kernel, user);
  memory.store(destination, error == 0 ? Bytes(bytes, bytes + size) : Bytes(size));
  return error;
}

/// bpf_probe_read_*_str(destination, size, source): copies up to and with the NUL, which is there even when cut, and
/// answers the bytes copied. What follows the NUL stays as it was.
std::uint64_t TestKernel::probe_read_string(const Arguments& arguments, bool kernel, bool user) {
  const auto [destination, size, source, unused4, unused5] = arguments;
  memory.check_store(destination, size);
  Bytes string;
  while (string.size() < size && (string.empty() || string.back() != 0)) {
    if (const std::uint64_t error = read_error(source + string.size(), 1, kernel, user); error != 0) {
      memory.store(destination, Bytes(size));
      return error;
    }
    string.push_back(*reinterpret_cast<const std::uint8_t*>(source + string.size()));
  }
  if (!string.empty()) {
    string.back() = 0;
  }
  memory.store(destination, string);
  return string.size();
}

void TestKernel::add_read_helpers() {
  struct Row {
    std::uint32_t helper;
    bool kernel, user, string;
  };
  for (const Row& row :
       {Row{BPF_FUNC_probe_read_kernel, true, false, false}, Row{BPF_FUNC_probe_read_user, false, true, false},
        Row{BPF_FUNC_probe_read, true, true, false}, Row{BPF_FUNC_probe_read_kernel_str, true, false, true},
        Row{BPF_FUNC_probe_read_user_str, false, true, true}, Row{BPF_FUNC_probe_read_str, true, true, true}}) {
    helpers[row.helper] = {3, [this, row](const Arguments& a) {
                             return row.string ? probe_read_string(a, row.kernel, row.user)
                                               : probe_read(a, row.kernel, row.user);
                           }};
  }
}

}  // namespace tpx::test
