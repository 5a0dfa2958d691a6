#include <memory>

#include "decode/containers.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Container final : public Decoder {
 public:
  explicit Container(const Environment& environment) : containers_(environment) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    return {containers_.identify(input.integer).container};
  }
  void refresh() override { containers_.refresh(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  Containers containers_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Container>(environment);
}

}  // namespace

Entry container_entry() {
  return {{.name = "container",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary =
               "The container that a cgroup belongs to: its name in Kubernetes where /var/log/containers of the node "
               "can be read, else the first 12 digits of its id or a machine's name; `none` outside of containers, "
               "`unknown` for a cgroup deleted before it was seen.",
           .example = R"(container(cgroup))"},
          make,
          true};
}

}  // namespace tpx::decode::decoders
