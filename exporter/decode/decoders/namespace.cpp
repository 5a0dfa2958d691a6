#include <memory>

#include "decode/containers.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Namespace final : public Decoder {
 public:
  explicit Namespace(const Environment& environment) : containers_(environment) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    return {containers_.identify(input.integer).name_space};
  }
  void refresh() override { containers_.refresh(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  Containers containers_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Namespace>(environment);
}

}  // namespace

Entry namespace_entry() {
  return {{.name = "namespace",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary =
               "The Kubernetes namespace of the pod that a cgroup belongs to, where /var/log/pods and "
               "/var/log/containers of the node can be read; `none` outside of pods, `unknown` where it can't be told.",
           .example = R"(namespace(cgroup))"},
          make,
          true};
}

}  // namespace tpx::decode::decoders
