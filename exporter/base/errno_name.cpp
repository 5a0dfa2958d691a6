#include "base/errno_name.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tpx {
namespace {

/// Errors that stay inside the kernel (include/linux/errno.h).
constexpr std::array<std::pair<int, const char*>, 19> kInternal{{{512, "ERESTARTSYS"},
                                                                 {513, "ERESTARTNOINTR"},
                                                                 {514, "ERESTARTNOHAND"},
                                                                 {515, "ENOIOCTLCMD"},
                                                                 {516, "ERESTART_RESTARTBLOCK"},
                                                                 {517, "EPROBE_DEFER"},
                                                                 {518, "EOPENSTALE"},
                                                                 {519, "ENOPARAM"},
                                                                 {521, "EBADHANDLE"},
                                                                 {522, "ENOTSYNC"},
                                                                 {523, "EBADCOOKIE"},
                                                                 {524, "ENOTSUPP"},
                                                                 {525, "ETOOSMALL"},
                                                                 {526, "ESERVERFAULT"},
                                                                 {527, "EBADTYPE"},
                                                                 {528, "EJUKEBOX"},
                                                                 {529, "EIOCBQUEUED"},
                                                                 {530, "ERECALLCONFLICT"},
                                                                 {531, "ENOGRACE"}}};

}  // namespace

const char* errno_name(int code) {
  if (const char* name = ::strerrorname_np(code); name != nullptr) {
    return name;
  }
  const auto* found =
      std::find_if(kInternal.begin(), kInternal.end(), [code](const auto& row) { return row.first == code; });
  return found == kInternal.end() ? nullptr : found->second;
}

}  // namespace tpx
