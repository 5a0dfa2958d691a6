#pragma once

#include <string>
#include <utility>

#include "decode/decoder.h"
#include "decode/id_names.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {

/// The name that a file of lines such as passwd(5)'s gives a number; the number where it gives none. The file is read
/// again when it has changed. Not thread-safe.
class NamedId final : public Decoder {
 public:
  explicit NamedId(std::string file) : names_(std::move(file)) {}

  Output decode(const Input& input) override {
    if (input.type.kind != schema::ValueType::Kind::Integer) {
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

}  // namespace tpx::decode::decoders
