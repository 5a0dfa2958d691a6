#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/plain.h"
#include "kernel/syscalls.h"

namespace tpx::decode::decoders {
namespace {

/// Calls of the 32-bit ABI have numbers of their own, which the tracepoint does not tell from these.
class Syscall final : public Decoder {
 public:
  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    if (const auto name = kernel::syscall_name(input.integer)) {
      return {std::string(*name)};
    }
    // A process may call any number: only those that a newer kernel may have taken get a series each.
    constexpr std::uint64_t kPlausible = 1024;
    return {input.integer < kPlausible ? "syscall_" + std::to_string(input.integer) : "unknown"};
  }
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment&) {
  return std::make_unique<Syscall>();
}

}  // namespace

Entry syscall_entry() {
  return {{.name = "syscall",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::None,
           .summary = "The name of a syscall by its number; `syscall_N` for a number newer than this build, "
                      "`unknown` for what can't be one.",
           .example = R"(syscall(args.id))"},
          make};
}

}  // namespace tpx::decode::decoders
