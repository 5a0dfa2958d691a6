#include "kernel/syscalls.h"

#include <algorithm>
#include <array>

namespace tpx::kernel {
namespace {

struct Call {
  std::uint32_t number;
  std::string_view name;
};

constexpr Call kCalls[] = {
#include "syscall_table.inc"
};

/// Calls younger than the headers of the oldest supported build machine (6.1, Debian 12): the binary outlives them. Since
/// 5.1, numbers are the same on all architectures (scripts/syscall.tbl, arch/x86/entry/syscalls/syscall_64.tbl).
constexpr Call kYounger[] = {
#ifdef __x86_64__
    {335, "uretprobe"},         {336, "uprobe"},
#endif
    {451, "cachestat"},         {452, "fchmodat2"},        {453, "map_shadow_stack"},
    {454, "futex_wake"},        {455, "futex_wait"},       {456, "futex_requeue"},
    {457, "statmount"},         {458, "listmount"},        {459, "lsm_get_self_attr"},
    {460, "lsm_set_self_attr"}, {461, "lsm_list_modules"}, {462, "mseal"},
    {463, "setxattrat"},        {464, "getxattrat"},       {465, "listxattrat"},
    {466, "removexattrat"},     {467, "open_tree_attr"},   {468, "file_getattr"},
    {469, "file_setattr"},      {470, "listns"},           {471, "rseq_slice_yield"}};

/// Kernel functions whose name is not the call's; an alias whose call an architecture lacks is never looked up there.
struct Alias {
  std::string_view function;
  std::string_view call;
};
constexpr Alias kAliases[] = {{"arm64_personality", "personality"},  // arch/arm64/kernel/sys.c
                              {"fadvise64_64", "fadvise64"},         // asm-generic
                              {"newfstat", "fstat"},
                              {"newlstat", "lstat"},
                              {"newstat", "stat"},
                              {"newuname", "uname"},
                              {"sendfile64", "sendfile"},
                              {"sysctl", "_sysctl"},  // until 5.8
                              {"umount", "umount2"}};

template <std::size_t N>
const Call* by_number(const Call (&table)[N], std::uint64_t number) {
  const auto* found = std::lower_bound(std::begin(table), std::end(table), number,
                                       [](const Call& call, std::uint64_t wanted) { return call.number < wanted; });
  return found != std::end(table) && found->number == number ? found : nullptr;
}

template <std::size_t N>
const Call* by_name(const Call (&table)[N], std::string_view name) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Call& call) { return call.name == name; });
  return found != std::end(table) ? found : nullptr;
}

}  // namespace

std::optional<std::string_view> syscall_name(std::uint64_t number) {
  const Call* call = by_number(kCalls, number);
  if (call == nullptr) {
    call = by_number(kYounger, number);
  }
  return call == nullptr ? std::nullopt : std::optional(call->name);
}

std::optional<std::uint32_t> syscall_number_of_event(std::string_view name) {
  const Call* call = by_name(kCalls, name);
  if (call == nullptr) {
    call = by_name(kYounger, name);
  }
  if (call == nullptr) {
    const auto* alias =
        std::find_if(std::begin(kAliases), std::end(kAliases), [&](const Alias& row) { return row.function == name; });
    call = alias == std::end(kAliases) ? nullptr : by_name(kCalls, alias->call);
  }
  return call == nullptr ? std::nullopt : std::optional(call->number);
}

}  // namespace tpx::kernel
