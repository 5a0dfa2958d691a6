#include "decode/kernel_symbols.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace tpx::decode {
namespace {

/// kallsyms gives no sizes. No function is as long as this; an address farther from the function before it lies in no
/// function.
constexpr std::uint64_t kLongestFunction = 1U << 20U;

/// Addresses of the kernel's half; per-CPU symbols are offsets near zero.
constexpr std::uint64_t kKernelHalf = std::uint64_t{1} << 63U;

}  // namespace

KernelSymbols::KernelSymbols(const std::string& procfs)
    : modules_path_(procfs + "/modules"), file_(::open((procfs + "/kallsyms").c_str(), O_RDONLY | O_CLOEXEC)) {}

void KernelSymbols::refresh() {
  const std::scoped_lock lock(mutex_);
  if (loaded_ && read_file(modules_path_).value_or("") != modules_) {
    loaded_ = false;
  }
}

std::optional<std::string> KernelSymbols::find(std::uint64_t address) {
  const std::scoped_lock lock(mutex_);
  if (!loaded_) {
    load();
  }
  auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                [](std::uint64_t value, const Symbol& symbol) { return value < symbol.address; });
  if (after == symbols_.begin()) {
    return std::nullopt;
  }
  const std::uint64_t start = std::prev(after)->address;
  if (address - start >= kLongestFunction) {
    return std::nullopt;
  }
  // Of several names of one address, the first listed.
  const auto first = std::lower_bound(symbols_.begin(), after, start,
                                      [](const Symbol& symbol, std::uint64_t value) { return symbol.address < value; });
  return to_utf8(names_.c_str() + first->name);
}

void KernelSymbols::load() {
  loaded_ = true;
  modules_ = read_file(modules_path_).value_or("");
  symbols_.clear();
  names_.clear();
  if (!file_.valid() || ::lseek(file_.get(), 0, SEEK_SET) != 0) {
    return;
  }
  std::string pending;
  std::string buffer(65536, 0);  // not on the stack: a thread of the HTTP server has some 100 KiB
  for (ssize_t got = 0; (got = ::read(file_.get(), buffer.data(), buffer.size())) > 0;) {
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      add_line(std::string_view(pending).substr(begin, end - begin));
    }
    pending.erase(0, begin);
  }
  add_line(pending);
  std::stable_sort(symbols_.begin(), symbols_.end(),
                   [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
  symbols_.shrink_to_fit();
  names_.shrink_to_fit();
}

/// `ffffffff81000000 T name` or, of a module, `ffffffffc0000000 t name<TAB>[module]`.
void KernelSymbols::add_line(std::string_view line) {
  std::uint64_t address = 0;
  const char* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data(), end, address, 16);
  const std::string_view rest(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  if (parsed.ec != std::errc() || address < kKernelHalf || rest.size() < 4 || rest[0] != ' ' || rest[2] != ' ' ||
      std::string_view("tTwW").find(rest[1]) == std::string_view::npos) {
    return;
  }
  symbols_.push_back({address, static_cast<std::uint32_t>(names_.size())});
  names_ += rest.substr(3, rest.find_first_of("\t ", 3) - 3);
  names_ += '\0';
}

}  // namespace tpx::decode
