#include "support/random_event.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "kernel/syscalls.h"
#include "support/random_program.h"

namespace tpx::test {

using kernel::Field;

namespace {

constexpr std::uint32_t kPriority = 120;
constexpr std::size_t kCommBytes = 16;

void put(Bytes& bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
  std::memcpy(bytes.data() + offset, &value, size);
}

std::uint64_t field_value(const Event& event, const char* name) {
  const Field* field = event.format->find(name);
  return field == nullptr
             ? 0
             : static_cast<std::uint64_t>(integer_at(event.record, field->offset, field->size, field->is_signed));
}

std::string field_text(const Event& event, const char* name) {
  const Field* field = event.format->find(name);
  if (field == nullptr || field->kind != Field::Kind::CharArray) {
    return {};
  }
  return {reinterpret_cast<const char*>(event.record.data()) + field->offset, field->size};
}

void set_field(Event& event, const char* name, std::uint64_t value) {
  if (const Field* field = event.format->find(name)) {
    put(event.record, field->offset, value, field->size);
  }
}

/// Read once: a BTF has some 100,000 types.
std::shared_ptr<const CTypes> types_of(const kernel::Kernel& kernel) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const CTypes>> known;
  const std::lock_guard lock(mutex);
  auto& types = known[kernel.tracefs.root()];
  if (!types) {
    types = std::make_shared<const CTypes>(kernel.tracefs.root() + "/vmlinux.btf");
  }
  return types;
}

}  // namespace

std::int64_t integer_at(const Bytes& bytes, std::size_t offset, std::size_t size, bool is_signed) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, size);
  if (is_signed && size < 8 && (value >> (8 * size - 1)) != 0) {
    value |= ~std::uint64_t{0} << (8 * size);
  }
  return static_cast<std::int64_t>(value);
}

Bytes& Event::memory(std::size_t size) {
  return kernel_memory_.emplace_back(size);
}

std::uint64_t Event::user_text(const std::string& text) {
  const Bytes& bytes = user_memory_.emplace_back(text.c_str(), text.c_str() + text.size() + 1);
  user_texts[address_of(bytes.data())] = text;
  return address_of(bytes.data());
}

void Event::happen(TestKernel& kernel) {
  for (const Bytes& bytes : kernel_memory_) {
    kernel.memory.add("memory of the event", bytes);
  }
  for (const Bytes& bytes : user_memory_) {
    kernel.memory.add("user memory", bytes, Space::User);
  }
  kernel.cpu = cpu;
  kernel.ktime_ns = nanoseconds;
  kernel.pid_tgid = std::uint64_t{pid} << 32U | tid;
  kernel.uid_gid = std::uint64_t{gid} << 32U | uid;
  kernel.cgroup_id = cgroup;
  kernel.comm = comm;
  kernel.current_task = task;
}

RandomEvents::RandomEvents(std::mt19937_64& random, const kernel::Kernel& kernel)
    : random_(random), kernel_(kernel), types_(types_of(kernel)) {}

std::string RandomEvents::text(std::size_t longest) {
  static constexpr std::string_view kText =
      "swapper/0-kworker-u16:3+events_unbound.abcdefghijklmnopqrstuvwxyz0123456789";
  if (below(4) == 0) {
    return std::string(kText.substr(0, std::min<std::size_t>(longest, 8 * below(9))));
  }
  return std::string(kText.substr(below(3) == 0 ? below(20) : 0, below(longest + 1)));
}

void RandomEvents::fill_dynamic(Event& event, const Field& field) {
  std::string content = text(90);
  if (field.is_string) {
    content.push_back('\0');
  }
  const std::size_t start = event.record.size();
  event.record.insert(event.record.end(), content.begin(), content.end());
  const std::size_t offset = field.kind == Field::Kind::RelLoc ? start - field.offset - 4 : start;
  put(event.record, field.offset, offset | content.size() << 16U, 4);
}

void RandomEvents::fill_field(Event& event, const Field& field) {
  if (field.kind == Field::Kind::DataLoc || field.kind == Field::Kind::RelLoc) {
    fill_dynamic(event, field);
    return;
  }
  if (field.kind == Field::Kind::CharArray) {
    const std::string content = text(field.size);
    std::copy(content.begin(), content.end(), event.record.begin() + field.offset);
    if (content.size() < field.size) {
      event.record[field.offset + content.size()] = 0;
    }
    return;
  }
  if (field.kind == Field::Kind::Integer) {
    const bool points = field.size == 8 && (field.is_pointer || event.format->category == "syscalls") && below(2) == 0;
    put(event.record, field.offset, points ? event.user_text(text(80)) : random_word(random_), field.size);
  }
}

void RandomEvents::fill_record(Event& event) {
  std::size_t size = 8;
  for (const Field& field : event.format->fields) {
    size = std::max<std::size_t>(size, field.offset + field.size);
  }
  event.record.resize((size + 7) / 8 * 8);
  for (std::uint8_t& byte : event.record) {
    byte = static_cast<std::uint8_t>(random_());
  }
  for (const Field& field : event.format->fields) {
    fill_field(event, field);
  }
  event.record.resize((event.record.size() + 7) / 8 * 8);
}

void RandomEvents::set_member(std::uint64_t base, const std::string& structure, const std::vector<std::string>& path,
                              std::uint64_t value, std::uint32_t size) {
  auto type = kernel_.btf->find_struct(structure);
  std::uint32_t offset = 0;
  for (const std::string& name : path) {
    const auto member = type ? kernel_.btf->member(*type, name) : std::nullopt;
    if (!member) {
      return;
    }
    offset += member->bit_offset / 8;
    type = kernel_.btf->resolve(member->type).id;
  }
  std::memcpy(reinterpret_cast<std::uint8_t*>(base) + offset, &value, size);
}

std::uint64_t RandomEvents::make_task(Event& event, std::uint32_t pid, const std::string& comm, std::uint32_t prio) {
  const auto type = kernel_.btf->find_struct("task_struct");
  const auto name = type ? kernel_.btf->member(*type, "comm") : std::nullopt;
  if (!name) {
    throw std::runtime_error("no task_struct");
  }
  Bytes& bytes = event.memory(kernel_.btf->resolve(*type).size);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(random_());
  }
  std::copy_n(comm.begin(), std::min(comm.size(), kCommBytes), bytes.begin() + name->bit_offset / 8);
  if (comm.size() < kCommBytes) {
    bytes[name->bit_offset / 8 + comm.size()] = 0;
  }
  const std::uint64_t base = address_of(bytes.data());
  set_member(base, "task_struct", {"pid"}, pid, 4);
  set_member(base, "task_struct", {"prio"}, prio, 4);
  set_member(base, "task_struct", {"thread_info", "status"}, 0, 4);
  return base;
}

void RandomEvents::fill_task(Event& event) {
  event.pid = static_cast<std::uint32_t>(below(3) == 0 ? 1 : below(4'194'304));
  event.tid = below(2) == 0 ? event.pid : static_cast<std::uint32_t>(below(4'194'304));
  event.ppid = static_cast<std::uint32_t>(below(4'194'304));
  event.uid = static_cast<std::uint32_t>(random_word(random_));
  event.gid = static_cast<std::uint32_t>(random_word(random_));
  event.cpu = static_cast<std::uint32_t>(below(kernel_.possible_cpus));
  event.cgroup = random_word(random_);
  event.nanoseconds = random_() >> 4U;
  event.comm = text(kCommBytes - 1);
  event.task = make_task(event, event.tid, event.comm, kPriority);
  const std::uint64_t parent = make_task(event, event.ppid, "parent", kPriority);
  set_member(event.task, "task_struct", {"tgid"}, event.pid, 4);
  set_member(event.task, "task_struct", {"real_parent"}, parent, 8);
  set_member(parent, "task_struct", {"tgid"}, event.ppid, 4);
}

bool RandomEvents::knows_arguments(const std::string& tracepoint) {
  const auto in = [&](const char* prefix) { return tracepoint.starts_with(prefix); };
  bool known = tracepoint == "sched/sched_switch" || tracepoint == "sched/sched_waking" || in("sched/sched_wakeup") ||
               in("irq/softirq_") || in("irq/irq_handler_");
#if defined(__x86_64__)
  known = known || in("raw_syscalls/") || in("syscalls/");
#endif
  return known;
}

void RandomEvents::fill_syscall(Event& event) {
  const auto type = kernel_.btf->find_struct("pt_regs");
  Bytes& regs = event.memory(kernel_.btf->resolve(type.value()).size);
  const std::uint64_t base = address_of(regs.data());
  const kernel::Format& format = *event.format;
  const bool raw = format.category == "raw_syscalls";
  const bool enter = format.name.starts_with("sys_enter");
  std::uint64_t number = field_value(event, "id");
  if (!raw) {
    number = kernel::syscall_number_of_event(format.name.substr(enter ? 10 : 9)).value_or(0);
    // The number, whatever its field is called.
    put(event.record, format.fields.front().offset, number, format.fields.front().size);
  }
  static constexpr const char* kRegisters[] = {"di", "si", "dx", "r10", "r8", "r9"};
  for (std::size_t i = 0; enter && i < std::size(kRegisters); ++i) {
    const Field* field = raw ? &format.fields.back() : i + 1 < format.fields.size() ? &format.fields[i + 1] : nullptr;
    if (field == nullptr || (!raw && field->kind != Field::Kind::Integer)) {
      break;
    }
    set_member(base, "pt_regs", {kRegisters[i]},
               static_cast<std::uint64_t>(integer_at(event.record, field->offset + (raw ? 8 * i : 0), 8, false)), 8);
  }
  set_member(base, "pt_regs", {"orig_ax"}, number, 8);
  event.arguments = {base, enter ? number : field_value(event, "ret")};
}

void RandomEvents::fill_wakeup(Event& event) {
  const std::uint64_t task =
      make_task(event, static_cast<std::uint32_t>(field_value(event, "pid")), field_text(event, "comm"),
                static_cast<std::uint32_t>(field_value(event, "prio")));
  set_member(task, "task_struct", {"thread_info", "cpu"}, field_value(event, "target_cpu"), 4);
  set_member(task, "task_struct", {"cpu"}, field_value(event, "target_cpu"), 4);
  event.arguments = {task};
}

void RandomEvents::fill_switch(Event& event) {
  // The task that leaves is the current one.
  const std::uint64_t prev = event.task;
  set_field(event, "prev_pid", event.tid);
  set_field(event, "prev_prio", kPriority);
  const Field* comm = event.format->find("prev_comm");
  const auto end = std::copy(event.comm.begin(), event.comm.end(), event.record.begin() + comm->offset);
  std::fill(end, event.record.begin() + comm->offset + comm->size, std::uint8_t{0});
  const std::uint64_t next =
      make_task(event, static_cast<std::uint32_t>(field_value(event, "next_pid")), field_text(event, "next_comm"),
                static_cast<std::uint32_t>(field_value(event, "next_prio")));
  // One task state at a time, as scheduled tasks have: bit i of TASK_REPORT (include/linux/sched.h) reads as itself.
  const bool preempt = below(4) == 0;
  const std::uint64_t state = below(3) == 0 ? 0 : std::uint64_t{1} << below(7);
  set_field(event, "prev_state", preempt ? 0x100 : state);
  set_member(prev, "task_struct", {"__state"}, state, 4);
  set_member(prev, "task_struct", {"state"}, state, 8);
  set_member(prev, "task_struct", {"exit_state"}, 0, 4);
  const auto arguments = kernel_.btf->tracepoint("sched_switch").value_or(std::vector<kernel::Btf::Argument>{});
  for (const auto& argument : arguments) {
    event.arguments.push_back(argument.name == "preempt" ? std::uint64_t{preempt}
                              : argument.name == "prev"  ? prev
                              : argument.name == "next"  ? next
                                                         : state);
  }
}

void RandomEvents::fill_interrupt(Event& event) {
  if (event.format->name.starts_with("softirq")) {
    event.arguments = {field_value(event, "vec")};
    return;
  }
  const auto type = kernel_.btf->find_struct("irqaction");
  const std::uint64_t action = address_of(event.memory(kernel_.btf->resolve(type.value()).size).data());
  if (const Field* name = event.format->find("name")) {
    const auto* at = reinterpret_cast<const char*>(event.record.data()) +
                     (static_cast<std::uint64_t>(integer_at(event.record, name->offset, 4, false)) & 0xffffU);
    // Kernel addresses are negative numbers, ours are not: the name is where a program finds it.
    set_member(action, "irqaction", {"name"}, event.user_text(at), 8);
  }
  event.arguments = {field_value(event, "irq"), action, field_value(event, "ret")};
}

void RandomEvents::fill_arguments(Event& event) {
  const std::string name = event.format->full_name();
  if (!kernel_.btf || !knows_arguments(name)) {
    return;
  }
  if (name == "sched/sched_switch") {
    fill_switch(event);
  } else if (name.starts_with("sched/")) {
    fill_wakeup(event);
  } else if (name.starts_with("irq/")) {
    fill_interrupt(event);
  } else {
    fill_syscall(event);
  }
}

std::unique_ptr<Event> RandomEvents::make(const std::shared_ptr<const kernel::Format>& format) {
  auto event = std::make_unique<Event>();
  event->format = format;
  auto& recorded = recorded_[format->full_name()];
  if (!recorded) {
    recorded = std::make_shared<const RecordedFormat>(
        RecordedFormat::read(kernel_.tracefs.root() + "/events/" + format->full_name() + "/format"));
  }
  event->recorded = recorded;
  event->types = types_;
  fill_record(*event);
  fill_task(*event);
  fill_arguments(*event);
  return event;
}

}  // namespace tpx::test
