#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/decoders/named_id.h"

namespace tpx::decode::decoders {
namespace {

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<NamedId>(environment.etc + "/passwd");
}

}  // namespace

Entry user_entry() {
  return {
      {.name = "user",
       .input = schema::DecoderInput::Integer,
       .extra = schema::DecoderExtra::None,
       .summary = "The name of a user by its number, from /etc/passwd (not from NSS); the number where it has none.",
       .example = R"(user(uid))"},
      make};
}

}  // namespace tpx::decode::decoders
