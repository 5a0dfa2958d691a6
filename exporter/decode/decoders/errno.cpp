#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

/// Errors that stay inside the kernel, and that sys_exit shows before a call is restarted (include/linux/errno.h).
constexpr std::array<std::pair<int, std::string_view>, 19> kInternal{{{512, "ERESTARTSYS"},
                                                                      {513, "ERESTARTNOINTR"},
                                                                      {514, "ERESTARTNOHAND"},
                                                                      {515, "ENOIOCTLCMD"},
                                                                      {516, "ERESTART_RESTARTBLOCK"},
                                                                      {517, "EPROBE_DEFER"},
                                                                      {518, "EOPENSTALE"},
                                                                      {519, "ENOPARAM"},
                                                                      {521, "EBADHANDLE"},
                                                                      {522, "ENOTSYNC"},
                                                                      {523, "EBADCOOKIE"},
                                                                      {524, "ENOTSUPP"},
                                                                      {525, "ETOOSMALL"},
                                                                      {526, "ESERVERFAULT"},
                                                                      {527, "EBADTYPE"},
                                                                      {528, "EJUKEBOX"},
                                                                      {529, "EIOCBQUEUED"},
                                                                      {530, "ERECALLCONFLICT"},
                                                                      {531, "ENOGRACE"}}};
constexpr std::int64_t kMaxErrno = 4095;

std::string error_name(int code) {
  if (const char* name = ::strerrorname_np(code); name != nullptr) {
    return name;
  }
  const auto found =
      std::find_if(kInternal.begin(), kInternal.end(), [code](const auto& row) { return row.first == code; });
  return found == kInternal.end() ? "errno_" + std::to_string(code) : std::string(found->second);
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
