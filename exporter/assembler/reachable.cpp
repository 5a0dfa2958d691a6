#include <linux/bpf.h>

#include "assembler/opcode.h"
#include "assembler/program.h"

namespace tpx::assembler {

namespace {

bool ends_path(const Instruction& instruction) {
  const int type = opcode_class(instruction);
  return type == BPF_JMP && (opcode_operation(instruction) == BPF_EXIT || opcode_operation(instruction) == BPF_JA);
}

bool jumps_always(const Instruction& instruction) {
  return opcode_class(instruction) == BPF_JMP && opcode_operation(instruction) == BPF_JA;
}

}  // namespace

void Program::drop_unreachable() {
  std::vector<bool> reached(instructions_.size(), false);
  std::vector<std::size_t> open{0};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (at >= instructions_.size() || reached[at]) {
      continue;
    }
    reached[at] = true;
    const Instruction& instruction = instructions_[at];
    if (instruction.target && instruction.target->id < labels_.size() && labels_[instruction.target->id] >= 0) {
      open.push_back(static_cast<std::size_t>(labels_[instruction.target->id]));
    }
    if (!ends_path(instruction)) {
      open.push_back(at + 1);
    }
  }
  // From the back, so that a jump sees what really follows it.
  std::size_t following = instructions_.size();
  for (std::size_t at = instructions_.size(); at-- > 0;) {
    if (!reached[at]) {
      continue;
    }
    const Instruction& instruction = instructions_[at];
    if (jumps_always(instruction) && instruction.target && instruction.target->id < labels_.size()) {
      const auto target = static_cast<std::size_t>(labels_[instruction.target->id]);
      if (target > at && target <= following) {
        reached[at] = false;
        continue;
      }
    }
    following = at;
  }
  std::vector<std::int64_t> moved(instructions_.size() + 1, 0);
  std::vector<Instruction> kept;
  for (std::size_t at = 0; at < instructions_.size(); ++at) {
    moved[at] = static_cast<std::int64_t>(kept.size());
    if (reached[at]) {
      kept.push_back(std::move(instructions_[at]));
    }
  }
  moved.back() = static_cast<std::int64_t>(kept.size());
  for (std::int64_t& label : labels_) {
    label = label < 0 ? label : moved[static_cast<std::size_t>(label)];
  }
  instructions_ = std::move(kept);
}

}  // namespace tpx::assembler
