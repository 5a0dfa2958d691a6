#include <memory>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// Tracepoints carry the kernel's own dev_t, in which the minor number takes the lower 20 bits (include/linux/kdev_t.h);
/// user space packs it otherwise.
constexpr unsigned kMinorBits = 20;

class Device final : public Decoder {
 public:
  explicit Device(const Environment& environment) : directory_(environment.sysfs + "/dev/block/") {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    const std::uint64_t device = unextended(input);
    const auto known = names_.find(device);
    return {known != names_.end() ? known->second : names_.emplace(device, look_up(device)).first->second};
  }
  /// A number may go to another device when its own is removed.
  void refresh() override { names_.clear(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  [[nodiscard]] std::string look_up(std::uint64_t device) const {
    const std::uint64_t minor = device & ((1U << kMinorBits) - 1);
    std::string number = std::to_string(device >> kMinorBits) + ":" + std::to_string(minor);
    const auto text = read_file(directory_ + number + "/uevent");
    if (!text) {
      return number;
    }
    constexpr std::string_view kName = "DEVNAME=";
    for (const std::string_view line : split(*text, '\n')) {
      if (line.starts_with(kName) && line.size() > kName.size()) {
        return to_utf8(line.substr(kName.size()));
      }
    }
    return number;
  }

  std::string directory_;
  std::unordered_map<std::uint64_t, std::string> names_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Device>(environment);
}

}  // namespace

Entry device_entry() {
  return {{.name = "device",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary =
               "The name of a block device by its number (`vda`, `dm-0`); `MAJOR:MINOR` where there is no such device.",
           .example = R"(device(args.dev))"},
          make};
}

}  // namespace tpx::decode::decoders
