#include <memory>

#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/pattern.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// A pattern that does not compile keeps every value as it is; the checker has refused it long before.
class Match final : public Decoder {
 public:
  explicit Match(const schema::DecoderCall& call) : pattern_(Pattern::compile(call.pattern)) {}

  Output decode(const Input& input) override {
    // On the bytes as they are: a class that a user writes for them would not know the replacement character.
    const std::string text =
        input.type.kind == schema::ValueType::Kind::String ? std::string(input.text) : plain(input);
    if (!pattern_) {
      return {to_utf8(text)};
    }
    const auto matched = pattern_->match(text);
    return matched ? Output{to_utf8(*matched)} : Output{{}, false};
  }

 private:
  Result<Pattern> pattern_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall& call, const Environment&) {
  return std::make_unique<Match>(call);
}

}  // namespace

Entry match_entry() {
  return {{.name = "match",
           .input = schema::DecoderInput::Any,
           .extra = schema::DecoderExtra::Pattern,
           .summary = "Keeps the series whose value matches a POSIX extended regular expression anywhere in it; the "
                      "first group, if there is one, becomes the value.",
           .example = R"~(match(comm, "^(postgres|redis)"))~",
           .check_pattern = decode::check_pattern},
          make};
}

}  // namespace tpx::decode::decoders
