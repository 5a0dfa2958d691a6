#include "decode/container_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "decode/container_path.h"

namespace tpx::decode {
namespace {

constexpr std::string_view kEnd = ".log";
constexpr std::size_t kIdLength = 64;

/// The three parts of A_B_C; Kubernetes' names hold no underscore.
std::optional<std::vector<std::string_view>> three_parts(std::string_view text) {
  auto parts = split(text, '_');
  if (parts.size() != 3 || std::any_of(parts.begin(), parts.end(), [](auto part) { return part.empty(); })) {
    return std::nullopt;
  }
  return parts;
}

template <class Visit>
void each_name(const std::string& directory, Visit visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    visit(at->path().filename().string());
  }
}

}  // namespace

ContainerNames::ContainerNames(std::string var_log, std::size_t capacity)
    : pods_{var_log + "/pods"},
      containers_{std::move(var_log) + "/containers"},
      capacity_(std::max<std::size_t>(capacity, 4)) {
  refresh();
}

std::optional<ContainerNames::Names> ContainerNames::container(std::string_view id) {
  return is_container_id(id) ? find(id) : std::nullopt;
}

std::optional<ContainerNames::Names> ContainerNames::pod(std::string_view uid) {
  return is_container_id(uid) ? std::nullopt : find(uid);
}

void ContainerNames::refresh() {
  const std::scoped_lock lock(mutex_);
  if (changed(pods_)) {
    scan_pods();
  }
  if (changed(containers_)) {
    scan_containers();
  }
}

std::size_t ContainerNames::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

std::optional<ContainerNames::Names> ContainerNames::find(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) {
    return std::nullopt;
  }
  found->second.used = ++tick_;
  return found->second.names;
}

bool ContainerNames::changed(Watched& directory) {
  struct stat status{};
  if (::stat(directory.path.c_str(), &status) != 0) {
    return false;
  }
  const bool same = status.st_mtim.tv_sec == directory.seconds && status.st_mtim.tv_nsec == directory.nanoseconds;
  // File times advance in ticks of some milliseconds: a directory that has only just changed may change again unseen.
  const bool settled = std::time(nullptr) - status.st_mtim.tv_sec > 1;
  directory.seconds = settled ? status.st_mtim.tv_sec : -1;
  directory.nanoseconds = status.st_mtim.tv_nsec;
  return !same;
}

void ContainerNames::scan_pods() {
  each_name(pods_.path, [this](const std::string& name) {
    if (const auto parts = three_parts(name)) {
      store((*parts)[2], {to_utf8((*parts)[0]), to_utf8((*parts)[1]), {}});
    }
  });
}

void ContainerNames::scan_containers() {
  each_name(containers_.path, [this](std::string_view name) {
    if (!name.ends_with(kEnd) || name.size() < kIdLength + kEnd.size() + 1) {
      return;
    }
    name.remove_suffix(kEnd.size());
    const std::string_view id = name.substr(name.size() - kIdLength);
    name.remove_suffix(kIdLength);
    if (!is_container_id(id) || !name.ends_with('-')) {
      return;
    }
    name.remove_suffix(1);
    if (const auto parts = three_parts(name)) {
      store(id, {to_utf8((*parts)[1]), to_utf8((*parts)[0]), to_utf8((*parts)[2])});
    }
  });
}

void ContainerNames::store(std::string_view key, Names names) {
  Entry& entry = entries_[std::string(key)];
  entry = {std::move(names), ++tick_};
  if (entries_.size() <= capacity_) {
    return;
  }
  std::vector<std::uint64_t> ticks;
  ticks.reserve(entries_.size());
  for (const auto& [id, known] : entries_) {
    ticks.push_back(known.used);
  }
  const auto oldest_kept = ticks.begin() + static_cast<std::ptrdiff_t>(ticks.size() / 4);
  std::nth_element(ticks.begin(), oldest_kept, ticks.end());
  std::erase_if(entries_, [limit = *oldest_kept](const auto& item) { return item.second.used < limit; });
}

}  // namespace tpx::decode
