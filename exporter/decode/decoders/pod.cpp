#include <memory>

#include "decode/containers.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Pod final : public Decoder {
 public:
  explicit Pod(const Environment& environment) : containers_(environment) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    return {containers_.identify(input.integer).pod};
  }
  void refresh() override { containers_.refresh(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  Containers containers_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Pod>(environment);
}

}  // namespace

Entry pod_entry() {
  return {{.name = "pod",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The Kubernetes pod that a cgroup belongs to: its name where /var/log/pods and "
                      "/var/log/containers of the node can be read, else its UID; `none` outside of pods, `unknown` "
                      "for a cgroup deleted before it was seen.",
           .example = R"(pod(cgroup))"},
          make,
          true};
}

}  // namespace tpx::decode::decoders
