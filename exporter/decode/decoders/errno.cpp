#include <memory>

#include "base/errno_name.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

constexpr std::int64_t kMaxErrno = 4095;

std::string error_name(int code) {
  const char* name = errno_name(code);
  return name != nullptr ? name : "errno_" + std::to_string(code);
}

/// A signed value is a return value: -2 is ENOENT, and 2 is a success (two bytes read). An unsigned one can only hold
/// the error itself, so that 2 is ENOENT there; or a return value kept without its sign.
class Errno final : public Decoder {
 public:
  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    const auto value = input.type.size == 4 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(input.integer))
                                            : static_cast<std::int64_t>(input.integer);
    if (value < 0 && value >= -kMaxErrno) {
      return {error_name(static_cast<int>(-value))};
    }
    if (!input.type.is_signed && value > 0 && value <= kMaxErrno) {
      return {error_name(static_cast<int>(value))};
    }
    return {"ok"};
  }
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment&) {
  return std::make_unique<Errno>();
}

}  // namespace

Entry errno_entry() {
  return {{.name = "errno",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The name of the error that a return value holds (-2 is `ENOENT`), `ok` for a success; in an "
                      "unsigned field also of the error itself (2).",
           .example = R"(errno(args.ret))"},
          make};
}

}  // namespace tpx::decode::decoders
