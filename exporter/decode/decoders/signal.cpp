#include <cstring>
#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Signal final : public Decoder {
 public:
  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    // The kernel's realtime signals begin at 32; the C library takes two, and SIGRTMIN is 34 for everyone (kill -l).
    constexpr std::uint64_t kFirstRealtime = 34;
    constexpr std::uint64_t kLast = 64;
    const std::uint64_t number = input.integer;
    if (number == 0) {
      return {"none"};
    }
    if (number > kLast) {
      return {"unknown"};
    }
    if (number == kFirstRealtime) {
      return {"SIGRTMIN"};
    }
    if (number > kFirstRealtime) {
      return {"SIGRTMIN+" + std::to_string(number - kFirstRealtime)};
    }
    const char* name = ::sigabbrev_np(static_cast<int>(number));
    return {"SIG" + (name != nullptr ? std::string(name) : std::to_string(number))};
  }
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment&) {
  return std::make_unique<Signal>();
}

}  // namespace

Entry signal_entry() {
  return {{.name = "signal",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The name of a signal by its number: `SIGKILL`, `SIGRTMIN+1`; `none` for 0, `unknown` for what "
                      "can't be one.",
           .example = R"(signal(args.sig))"},
          make};
}

}  // namespace tpx::decode::decoders
