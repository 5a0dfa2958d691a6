#include "kernel/tracefs.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "kernel/confinement.h"

namespace tpx::kernel {
namespace {

constexpr const char* kMountPoint = "/sys/kernel/tracing";
constexpr const char* kDebugfsMountPoint = "/sys/kernel/debug/tracing";
constexpr const char* kReadHint = "run as root, or grant CAP_DAC_READ_SEARCH";

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

/// The directories in `path`, unsorted; empty when it can't be read.
std::vector<std::string> subdirectories(const std::string& path) {
  std::vector<std::string> names;
  const Directory directory(::opendir(path.c_str()));
  if (!directory) {
    return names;
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) {
      continue;
    }
    names.emplace_back(name);
  }
  return names;
}

bool is_tracefs(const char* path) {
  struct statfs info{};
  return ::statfs(path, &info) == 0 && info.f_type == TRACEFS_MAGIC;
}

/// What to do where tracefs is missing.
std::string mount_hint() {
  return advice_for_mount(confinement());
}

std::string read_hint() {
  const std::string advice = advice_for_tracefs(confinement());
  return advice.empty() ? kReadHint : advice;
}

Error unreadable(const std::string& path, int code) {
  return os_failure(path + " can't be read", code, code == EACCES || code == EPERM ? read_hint() : "");
}

/// /proc/mounts writes blanks and backslashes as \ooo.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view category_of(std::string_view full) {
  return full.substr(0, full.find('/'));
}

std::string_view name_of(std::string_view full) {
  const auto slash = full.find('/');
  return slash == std::string_view::npos ? full : full.substr(slash + 1);
}

/// What somebody who wrote `wanted` may have meant, as a hint.
std::string suggestion(std::string_view wanted, const std::vector<std::string>& events) {
  const std::string_view category = category_of(wanted);
  const std::string_view name = name_of(wanted);
  std::vector<std::string> same_name;
  std::vector<std::string> same_category;
  for (const std::string& event : events) {
    if (name_of(event) == name) {
      same_name.push_back(event);
    } else if (category_of(event) == category) {
      same_category.push_back(event);
    }
  }
  if (!same_name.empty()) {
    std::string hint = "did you mean ";
    for (std::size_t i = 0; i < same_name.size() && i < 3; ++i) {
      hint.append(i == 0 ? "\"" : " or \"").append(same_name[i]).append("\"");
    }
    return hint + "?";
  }
  std::string hint = did_you_mean(wanted, same_category, 3);
  if (hint.empty()) {
    hint = did_you_mean(wanted, events, 3);
  }
  if (hint.empty() && !same_category.empty()) {
    hint = "tracepoint_exporter list '" + std::string(category) + "/*' shows what " + std::string(category) + " has";
  }
  return hint.empty() ? "tracepoint_exporter list shows all of them" : hint;
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         text.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

/// `category:name` is accepted for `category/name`.
std::string canonical(const std::string& pattern) {
  std::string out(trim(pattern));
  if (out.find('/') == std::string::npos) {
    if (const auto colon = out.find(':'); colon != std::string::npos) {
      out[colon] = '/';
    }
  }
  return out;
}

std::vector<std::string> read_available(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || line.substr(0, colon) == "ftrace") {
      continue;
    }
    std::string name(trim(line));
    name[name.find(':')] = '/';
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> list_tree(const std::string& events) {
  std::vector<std::string> names;
  for (const std::string& category : subdirectories(events)) {
    if (category == "ftrace") {
      continue;
    }
    for (const std::string& name : subdirectories(events + "/" + category)) {
      if (::access((events + "/" + category + "/" + name + "/format").c_str(), F_OK) == 0) {
        names.push_back(category + "/" + name);
      }
    }
  }
  return names;
}

}  // namespace

std::optional<std::string> tracefs_in_mounts(std::string_view mounts) {
  for (const std::string_view line : split(mounts, '\n')) {
    const auto columns = split(line, ' ');
    if (columns.size() >= 3 && columns[2] == "tracefs") {
      return unescape(columns[1]);
    }
  }
  return {};
}

Result<Tracefs> Tracefs::open(std::string root) {
  while (root.size() > 1 && root.ends_with('/')) {
    root.pop_back();
  }
  const std::string events = root + "/events";
  const Directory directory(::opendir(events.c_str()));
  if (!directory) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR) {
      return fail(Error{"no tracefs at " + root + ": it has no directory events", mount_hint(), {}, code});
    }
    return fail(unreadable(events, code));
  }
  return Tracefs(std::move(root));
}

Result<Tracefs> Tracefs::find() {
  for (const char* place : {kMountPoint, kDebugfsMountPoint}) {
    if (is_tracefs(place)) {
      return open(place);
    }
  }
  if (const auto mounts = read_file("/proc/mounts")) {
    if (const auto place = tracefs_in_mounts(*mounts)) {
      return open(*place);
    }
  }
  return fail(Error{"tracefs is not mounted", mount_hint(), {}, ENOENT});
}

Result<Tracefs> Tracefs::find_or_mount() {
  auto found = find();
  if (found || found.error().os_error != ENOENT) {
    return found;
  }
  if (::mount("nodev", kMountPoint, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0) {
    auto mounted = open(kMountPoint);
    if (mounted) {
      mounted->mounted_here_ = true;
    }
    return mounted;
  }
  const int code = errno;
  if (code == ENODEV || code == ENOENT) {
    return fail(Error{"this kernel has no tracefs", "it needs CONFIG_EVENT_TRACING and CONFIG_BPF_EVENTS", {}, code});
  }
  return fail(os_failure("tracefs is not mounted, and mounting it failed", code, mount_hint()));
}

Result<std::vector<std::string>> Tracefs::events() const {
  std::vector<std::string> names;
  // One file of some 60 kB; walking the tree costs hundreds of times more.
  if (const auto text = read_file(root_ + "/available_events")) {
    names = read_available(*text);
  } else if (text.error().os_error == EACCES || text.error().os_error == EPERM) {
    return fail(unreadable(root_ + "/available_events", *text.error().os_error));
  } else {
    names = list_tree(root_ + "/events");
  }
  if (names.empty()) {
    return fail("tracefs at " + root_ + " has no tracepoints", advice_for_tracefs(confinement()));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool Tracefs::has(const std::string& full_name) const {
  const auto slash = full_name.find('/');
  if (slash == std::string::npos || full_name.starts_with("ftrace/") || !is_plain_name(full_name.substr(0, slash)) ||
      !is_plain_name(full_name.substr(slash + 1))) {
    return false;
  }
  return ::access((root_ + "/events/" + full_name + "/format").c_str(), F_OK) == 0;
}

Result<std::vector<std::string>> Tracefs::match(const std::string& pattern) const {
  const std::string wanted = canonical(pattern);
  // The list of all events takes the kernel a millisecond: a configuration of hundreds of names would notice.
  if (!is_glob(wanted) && has(wanted)) {
    return std::vector<std::string>{wanted};
  }
  auto all = events();
  if (!all) {
    return all;
  }
  if (!is_glob(wanted)) {
    if (std::binary_search(all->begin(), all->end(), wanted)) {
      return std::vector<std::string>{wanted};
    }
    return fail("tracepoint " + wanted + " not found", suggestion(wanted, *all));
  }
  std::vector<std::string> found;
  std::copy_if(all->begin(), all->end(), std::back_inserter(found),
               [&](const std::string& event) { return glob_match(wanted, event); });
  if (found.empty()) {
    return fail("no tracepoint matches " + wanted, suggestion(wanted, *all));
  }
  return found;
}

Result<Format> Tracefs::format(const std::string& full_name) const {
  return format(std::string(category_of(full_name)), std::string(name_of(full_name)));
}

Result<Format> Tracefs::format(const std::string& category, const std::string& name) const {
  const std::string full = category + "/" + name;
  const std::string path = root_ + "/events/" + full + "/format";
  const bool is_plain = is_plain_name(category) && is_plain_name(name);
  const auto text = is_plain ? read_file(path) : Result<std::string>(fail(os_failure(full, ENOENT)));
  if (text) {
    return parse_format(category, *text);
  }
  const int code = text.error().os_error.value_or(0);
  if (code != ENOENT && code != ENOTDIR) {
    return fail(unreadable(path, code));
  }
  const auto all = events();
  return fail("tracepoint " + full + " not found", all ? suggestion(full, *all) : std::string());
}

}  // namespace tpx::kernel
