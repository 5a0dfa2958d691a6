#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/kernel_symbols.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Ksym final : public Decoder {
 public:
  explicit Ksym(const Environment& environment)
      : symbols_(environment.symbols ? environment.symbols : std::make_shared<KernelSymbols>(environment.procfs)) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    auto name = symbols_->find(input.integer);
    return {name ? std::move(*name) : hex(unextended(input))};
  }
  void refresh() override { symbols_->refresh(); }
  /// A module may be loaded where another one was.
  [[nodiscard]] bool stable() const override { return false; }

 private:
  std::shared_ptr<KernelSymbols> symbols_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment& environment) {
  return std::make_unique<Ksym>(environment);
}

}  // namespace

Entry ksym_entry() {
  return {{.name = "ksym",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The kernel function that holds an address, without the offset in it; addresses in none, or "
                      "hidden by kptr_restrict, in hexadecimal.",
           .example = R"(ksym(args.function))"},
          make};
}

}  // namespace tpx::decode::decoders
