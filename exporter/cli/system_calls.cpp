#include "cli/system_calls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tpx::cli {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // not supported
#endif
/// Numbers of the x32 ABI have this bit.
constexpr std::uint32_t kX32 = 0x40000000;

#if defined(__x86_64__)
constexpr std::uint32_t kRename = SYS_rename;  // what rename(3) calls
#else
constexpr std::uint32_t kRename = SYS_renameat;
#endif

/// What both architectures have.
constexpr std::uint32_t kForbidden[] = {
    SYS_execve, SYS_execveat,
    // other processes
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
    // the kernel
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_swapon,
    SYS_swapoff, SYS_acct, SYS_quotactl, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd, SYS_vhangup,
    SYS_fanotify_init, SYS_personality,
    // io_uring, which goes around this filter
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    // mounts and namespaces
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_open_tree, SYS_move_mount,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
    // users
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid,
    SYS_setgroups,
    // time and names of the machine
    SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname,
    // names, owners and attributes of files
    SYS_mknodat, kRename, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_truncate, SYS_fchmod, SYS_fchmodat, SYS_fchown,
    SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr};

/// What only older architectures have.
constexpr std::uint32_t kForbiddenOld[] = {
#if defined(__x86_64__)
    SYS_iopl,           SYS_ioperm, SYS_modify_ldt, SYS_mknod,  SYS_renameat, SYS_link,
    SYS_symlink,        SYS_chmod,  SYS_chown,      SYS_lchown, SYS_uselib,   SYS_sysfs,
#endif
    SYS_process_madvise};

std::vector<sock_filter> filter(FileNames names) {
  const auto load = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  const sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  std::vector<sock_filter> code{load(offsetof(seccomp_data, arch)),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0), refuse,
                                load(offsetof(seccomp_data, nr))};
#if defined(__x86_64__)
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32, 0, 1));
  code.push_back(refuse);
#endif
  const auto forbid = [&](std::uint32_t number) {
    if (number == kRename && names == FileNames::Replaced) {
      return;
    }
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    code.push_back(refuse);
  };
  for (const std::uint32_t number : kForbidden) {
    forbid(number);
  }
  for (const std::uint32_t number : kForbiddenOld) {
    forbid(number);
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return code;
}

}  // namespace

Result<void> forbid_system_calls(FileNames names) {
  if (kArchitecture == 0) {
    return fail("no seccomp filter for this architecture");
  }
  std::vector<sock_filter> code = filter(names);
  sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (result < 0) {
    return fail(os_failure("can't install the seccomp filter", errno));
  }
  return result == 0 ? Result<void>() : fail("can't install the seccomp filter in all threads");
}

bool may_filter_system_calls() {
  std::uint32_t action = SECCOMP_RET_ERRNO;
  return kArchitecture != 0 && ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace tpx::cli
