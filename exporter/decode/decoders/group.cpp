#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/decoders/named_id.h"

namespace tpx::decode::decoders {
namespace {

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<NamedId>(environment.etc + "/group");
}

}  // namespace

Entry group_entry() {
  return {
      {.name = "group",
       .input = schema::DecoderInput::Integer,
       .extra = schema::DecoderExtra::None,
       .summary = "The name of a group by its number, from /etc/group (not from NSS); the number where it has none.",
       .example = R"(group(gid))"},
      make};
}

}  // namespace tpx::decode::decoders
