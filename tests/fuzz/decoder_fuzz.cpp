// Any key bytes, through any chain of decoders: no crash, and always valid UTF-8.
//
// Input: pattern length, the pattern, decoder count (0 to 3), that many decoder numbers, kind, size, sign, then the key.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "decode/label_decoder.h"

namespace {

using namespace tpx;

class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> data) : data_(data) {}
  std::uint8_t one() {
    if (data_.empty()) {
      return 0;
    }
    const std::uint8_t value = data_.front();
    data_ = data_.subspan(1);
    return value;
  }
  std::string text(std::size_t length) {
    const auto head = data_.first(std::min(length, data_.size()));
    data_ = data_.subspan(head.size());
    return {head.begin(), head.end()};
  }
  [[nodiscard]] std::span<const std::byte> rest() const { return std::as_bytes(data_); }

 private:
  std::span<const std::uint8_t> data_;
};

decode::Environment nowhere() {
  decode::Environment environment;
  environment.procfs = environment.sysfs = environment.etc = "/nonexistent";
  environment.cgroupfs = environment.var_log = "/nonexistent";
  return environment;
}

schema::DecoderCall call(std::uint8_t number, const std::string& pattern) {
  const auto entries = decode::table();
  auto names = std::make_shared<kernel::FieldNames>();
  names->symbols = {{1, pattern}};
  names->flags = {{1, pattern}, {6, "B"}};
  return {.name = std::string(entries[number % entries.size()].signature.name),
          .pattern = pattern,
          .names = {{1, pattern}},
          .field_names = std::move(names)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes({data, size});
  const std::string pattern = bytes.text(bytes.one());
  schema::KeyField field;
  field.label = "label";
  for (int left = bytes.one() % 4; left > 0; --left) {
    field.decoders.push_back(call(bytes.one(), pattern));
  }
  field.type.kind = static_cast<schema::ValueType::Kind>(bytes.one() % 3);
  field.type.size = bytes.one();
  if (field.type.kind == schema::ValueType::Kind::Integer) {
    field.type.size = 1U << (field.type.size % 4);
  }
  field.type.is_signed = bytes.one() % 2 != 0;

  auto decoder = decode::LabelDecoder::make({{field}, field.type.size}, nowhere());
  if (!decoder) {
    return 0;
  }
  std::vector<std::string> texts;
  for (int scrape = 0; scrape < 2; ++scrape) {
    decoder->refresh();
    if (decoder->decode(bytes.rest(), texts) && (texts.size() != 1 || to_utf8(texts.front()) != texts.front())) {
      std::abort();
    }
  }
  return 0;
}
