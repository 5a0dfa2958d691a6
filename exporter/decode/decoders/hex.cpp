#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Hex final : public Decoder {
 public:
  Output decode(const Input& input) override {
    return {input.type.kind == schema::ValueType::Kind::Integer ? decode::hex(unextended(input)) : plain(input)};
  }
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment&) {
  return std::make_unique<Hex>();
}

}  // namespace

Entry hex_entry() {
  return {{.name = "hex",
           .input = schema::DecoderInput::IntegerOrBytes,
           .extra = schema::DecoderExtra::None,
           .summary = "An integer as 0x and hexadecimal digits, without its sign; bytes as two digits each.",
           .example = R"(hex(args.flags))"},
          make};
}

}  // namespace tpx::decode::decoders
