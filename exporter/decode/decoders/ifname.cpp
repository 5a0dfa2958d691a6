#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// From SYSFS/class/net, which shows the network namespace that sysfs was mounted from: the host's, where the host's sysfs
/// is mounted into a container. Indexes of interfaces in other namespaces are not to be told from these.
class Ifname final : public Decoder {
 public:
  explicit Ifname(const Environment& environment) : directory_(environment.sysfs + "/class/net") {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    Interface& interface = known_[unextended(input)];
    if (!interface.checked) {
      interface.checked = true;
      if (interface.name.empty() || index_of(interface.name) != unextended(input)) {
        interface.name.clear();
        scan();
      }
    }
    return {interface.name.empty() ? plain(input) : to_utf8(interface.name)};
  }
  /// Forgets what was not asked for since the last time, and has the rest checked again: interfaces are renamed, and go.
  void refresh() override {
    std::erase_if(known_, [](const auto& item) { return !item.second.checked; });
    for (auto& [index, interface] : known_) {
      interface.checked = false;
    }
    scanned_ = false;
  }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  struct Interface {
    std::string name;
    bool checked = false;
  };

  [[nodiscard]] std::optional<std::uint64_t> index_of(const std::string& name) const {
    const auto text = read_file(directory_ + "/" + name + "/ifindex");
    std::uint64_t index = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), index).ec != std::errc()) {
      return std::nullopt;
    }
    return index;
  }

  /// Reads all interfaces, once between two refreshes.
  void scan() {
    if (std::exchange(scanned_, true)) {
      return;
    }
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (const auto index = index_of(name)) {
        known_[*index] = {name, true};
      }
    }
  }

  std::string directory_;
  std::unordered_map<std::uint64_t, Interface> known_;
  bool scanned_ = false;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Ifname>(environment);
}

}  // namespace

Entry ifname_entry() {
  return {{.name = "ifname",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The name of a network interface by its index; the index where there is no such interface.",
           .example = R"(ifname(args.ifindex))"},
          make};
}

}  // namespace tpx::decode::decoders
