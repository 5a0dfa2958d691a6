#include <memory>

#include "base/text.h"
#include "decode/cgroup_index.h"
#include "decode/containers.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// Not stable: an id that is not known in one scrape may be learnt before the next.
class CgroupPath final : public Decoder {
 public:
  explicit CgroupPath(const Environment& environment) : index_(cgroup_index(environment)) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    const auto path = index_->path(input.integer);
    return {path ? to_utf8(*path) : "unknown"};
  }
  void refresh() override { index_->refresh(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  std::shared_ptr<CgroupIndex> index_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<CgroupPath>(environment);
}

}  // namespace

Entry cgroup_path_entry() {
  return {{.name = "cgroup_path",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary =
               "The path of a cgroup by its id, `/` for the root; `unknown` for a cgroup deleted before it was seen.",
           .example = R"(cgroup_path(cgroup))"},
          make,
          true};
}

}  // namespace tpx::decode::decoders
