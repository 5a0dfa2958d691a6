#include <memory>

#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// Splits as the kernel's trace_print_flags_seq() does: in the order of the format, a mask being there when all its bits are.
class Flags final : public Decoder {
 public:
  explicit Flags(const schema::DecoderCall& call) : names_(call.field_names) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    std::uint64_t rest = names_ ? names_->named_part(unextended(input)) : unextended(input);
    if (rest == 0) {
      return {zero()};
    }
    std::string text;
    const auto add = [&text](const std::string& name) {
      text += text.empty() ? "" : "|";
      text += name;
    };
    if (names_) {
      for (const auto& [mask, name] : names_->flags) {
        if (mask != 0 && (rest & mask) == mask) {
          add(to_utf8(name));
          rest &= ~mask;
        }
      }
    }
    if (rest != 0) {
      add(hex(rest));
    }
    return {std::move(text)};
  }

 private:
  [[nodiscard]] std::string zero() const {
    if (names_) {
      for (const auto& [mask, name] : names_->flags) {
        if (mask == 0) {
          return to_utf8(name);
        }
      }
      if (const auto named = names_->symbols.find(0); named != names_->symbols.end()) {
        return to_utf8(named->second);
      }
    }
    return "none";
  }

  std::shared_ptr<const kernel::FieldNames> names_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall& call, const Environment&) {
  return std::make_unique<Flags>(call);
}

}  // namespace

Entry flags_entry() {
  return {{.name = "flags",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::Field,
           .summary = "The names that the tracepoint's own print format gives the bits, joined by |; bits without one "
                      "in hexadecimal, `none` when no bit is set.",
           .example = R"(flags(args.gfp_flags))"},
          make};
}

}  // namespace tpx::decode::decoders
