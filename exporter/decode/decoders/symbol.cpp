#include <memory>

#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// Values that the format does not name read in decimal.
class Symbol final : public Decoder {
 public:
  explicit Symbol(const schema::DecoderCall& call) : names_(call.field_names) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer || !names_) {
      return {plain(input)};
    }
    // A format writes a negative value of a 32-bit field either way.
    auto found = names_->symbols.find(names_->named_part(input.integer));
    if (found == names_->symbols.end()) {
      found = names_->symbols.find(names_->named_part(unextended(input)));
    }
    return {found == names_->symbols.end() ? plain(input) : to_utf8(found->second)};
  }

 private:
  std::shared_ptr<const kernel::FieldNames> names_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall& call, const Environment&) {
  return std::make_unique<Symbol>(call);
}

}  // namespace

Entry symbol_entry() {
  return {{.name = "symbol",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::Field,
           .summary =
               "The name that the tracepoint's own print format gives the value; values without one read in decimal.",
           .example = R"(symbol(args.vec))"},
          make};
}

}  // namespace tpx::decode::decoders
