#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace tpx::decode {

/// The functions of the running kernel and its modules by address, from PROCFS/kallsyms.
///
/// The file is opened at construction, as the kernel decides at open(2) whether its reader may see addresses
/// (kptr_restrict: CAP_SYSLOG), but read only when the first address is asked for: the 122,000 functions of a 6.18 kernel
/// take 5 MB. It is read again when PROCFS/modules has changed. Thread-safe.
class KernelSymbols {
 public:
  explicit KernelSymbols(const std::string& procfs);

  /// The function that holds `address`, without an offset. Nothing for addresses outside of kernel and module code, and
  /// for all when the kernel hides its addresses.
  [[nodiscard]] std::optional<std::string> find(std::uint64_t address);

  /// Notices loaded and unloaded modules.
  void refresh();

 private:
  struct Symbol {
    std::uint64_t address;
    std::uint32_t name;  ///< where it begins in names_; ends at a NUL
  };
  void load();
  void add_line(std::string_view line);

  std::mutex mutex_;
  std::string modules_path_;
  UniqueFd file_;
  std::string modules_;
  bool loaded_ = false;
  std::vector<Symbol> symbols_;
  std::string names_;
};

}  // namespace tpx::decode
