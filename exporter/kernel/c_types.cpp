#include "kernel/c_types.h"

#include <algorithm>

#include "base/text.h"

namespace tpx::kernel {

namespace {

struct Row {
  std::string_view names;  ///< separated by bars, without leading underscores
  CType type;
};

// cpumask_t is a bitmap of longs (include/linux/cpumask.h); timer_t and key_t
// are those of the kernel (__kernel_timer_t).
constexpr Row kRows[] = {
    {"char|s8|int8_t", {1, true}},
    {"bool|u8|uint8_t", {1, false}},
    {"short|s16|int16_t", {2, true}},
    {"u16|uint16_t|be16|le16|umode_t", {2, false}},
    {"int|s32|int32_t|pid_t|clockid_t|timer_t|mqd_t|key_t|key_serial_t|rwf_t", {4, true}},
    {"u32|uint32_t|be32|le32|uid_t|gid_t|qid_t|gfp_t", {4, false}},
    {"long long|s64|int64_t|loff_t|off_t", {8, true}},
    {"u64|uint64_t|be64|le64|dma_addr_t", {8, false}},
    {"long", {sizeof(long), true}},
    {"cpumask_t", {sizeof(long), false}},
};

}  // namespace

std::optional<CType> c_type(std::string_view name) {
  constexpr std::string_view kUnsigned = "unsigned";
  constexpr std::string_view kSigned = "signed ";
  if (name == kUnsigned) {
    return CType{sizeof(unsigned), false};
  }
  if (name.starts_with(kUnsigned) && name[kUnsigned.size()] == ' ') {
    const auto type = c_type(name.substr(kUnsigned.size() + 1));
    return type ? std::optional(CType{type->size, false}) : std::nullopt;
  }
  name.remove_prefix(name.starts_with(kSigned) ? kSigned.size() : 0);
  name.remove_prefix(name.starts_with("__") ? 2 : 0);
  for (const Row& row : kRows) {
    const auto names = split(row.names, '|');
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return row.type;
    }
  }
  return std::nullopt;
}

}  // namespace tpx::kernel
