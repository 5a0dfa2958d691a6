#include "decode/container_path.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace tpx::decode {
namespace {

constexpr std::size_t kIdLength = 64;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

/// Undoes systemd's \x2d escapes (systemd.unit(5)).
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const std::string_view digits = text.substr(i).starts_with("\\x") ? text.substr(i + 2, 2) : std::string_view();
    if (digits.size() == 2 && std::all_of(digits.begin(), digits.end(), is_hex)) {
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The UID in `podUID` or `kubepods-burstable-podUID.slice`; static pods have one of 32 digits without dashes.
std::string pod_uid(std::string_view component) {
  component = without_suffix(component.substr(0, component.find(':')), ".slice");
  const std::size_t inner = component.rfind("-pod");
  std::string_view uid;
  if (component.starts_with("pod")) {
    uid = component.substr(3);
  } else if (inner != std::string_view::npos) {
    uid = component.substr(inner + 4);
  }
  if ((uid.size() != 36 && uid.size() != 32) ||
      !std::all_of(uid.begin(), uid.end(), [](char c) { return is_hex(c) || c == '-' || c == '_'; })) {
    return {};
  }
  std::string out(uid);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

/// The machine NAME of LXC, nspawn and libvirt.
std::string machine(std::string_view component, std::string_view parent) {
  if (component.starts_with("lxc.payload.")) {
    return std::string(component.substr(12));
  }
  if (parent == "lxc") {
    return std::string(component);
  }
  if (component.starts_with("machine-") && component.ends_with(".scope")) {
    return unescape(without_suffix(component.substr(8), ".scope"));
  }
  if (component.starts_with("systemd-nspawn@") && component.ends_with(".service")) {
    return unescape(without_suffix(component.substr(15), ".service"));
  }
  return {};
}

/// The id in `ID`, `PREFIX-ID`, `PREFIX-ID.scope` or `…slice:PREFIX:ID`.
std::string container_id(std::string_view component) {
  component = without_suffix(component, ".scope");
  if (component.size() < kIdLength) {
    return {};
  }
  const std::string_view id = component.substr(component.size() - kIdLength);
  const std::string_view before = component.substr(0, component.size() - kIdLength);
  const bool separate = before.empty() || before.back() == '-' || before.back() == ':';
  return separate && is_container_id(id) ? std::string(id) : std::string();
}

}  // namespace

bool is_container_id(std::string_view text) {
  return text.size() == kIdLength && std::all_of(text.begin(), text.end(), is_hex);
}

ContainerPath container_path(std::string_view path) {
  ContainerPath found;
  std::string_view parent;
  for (const std::string_view component : split(path, '/')) {
    if (std::string uid = pod_uid(component); !uid.empty()) {
      found = {{}, std::move(uid)};
    }
    if (found.container.empty()) {
      found.container = container_id(component);
    }
    if (found.container.empty()) {
      found.container = machine(component, parent);
    }
    parent = component;
  }
  return found;
}

}  // namespace tpx::decode
