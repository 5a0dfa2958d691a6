#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/id_names.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class User final : public Decoder {
 public:
  explicit User(const Environment& environment) : names_(environment.etc + "/passwd") {}

  Output decode(const Input& input) override {
    if (input.type.kind != plan::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    auto name = names_.find(unextended(input));
    return {name ? std::move(*name) : plain(input)};
  }
  void refresh() override { names_.refresh(); }
  [[nodiscard]] bool stable() const override { return false; }

 private:
  IdNames names_;
};

std::unique_ptr<Decoder> make(const plan::DecoderCall&, const Environment& environment) {
  return std::make_unique<User>(environment);
}

}  // namespace

Entry user_entry() {
  return {
      {.name = "user",
       .input = plan::DecoderInput::Integer,
       .extra = plan::DecoderExtra::None,
       .summary = "The name of a user by its number, from /etc/passwd (not from NSS); the number where it has none.",
       .example = R"(user(uid))"},
      make};
}

}  // namespace tpx::decode::decoders
