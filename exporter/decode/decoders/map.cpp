#include <memory>
#include <unordered_map>

#include "base/text.h"
#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

class Map final : public Decoder {
 public:
  explicit Map(const schema::DecoderCall& call) {
    for (const auto& [value, name] : call.names) {
      names_.emplace(value, to_utf8(name));
    }
  }

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
      return {plain(input)};
    }
    // A negative value may stand in the configuration as the field or as the 64-bit integer that it is extended to.
    auto found = names_.find(input.integer);
    if (found == names_.end()) {
      found = names_.find(unextended(input));
    }
    return {found == names_.end() ? plain(input) : found->second};
  }

 private:
  std::unordered_map<std::uint64_t, std::string> names_;
};

std::unique_ptr<Decoder> make(const schema::DecoderCall& call, const Environment&) {
  return std::make_unique<Map>(call);
}

}  // namespace

Entry map_entry() {
  return {{.name = "map",
           .input = schema::DecoderInput::Integer,
           .extra = schema::DecoderExtra::Names,
           .summary = "The name that the configuration gives the value. `*=\"…\"`, at the end, names all other values; "
                      "without it they are shown in decimal.",
           .example = R"(map(args.dport, 80="http", 443="https", *="other"))"},
          make};
}

}  // namespace tpx::decode::decoders
