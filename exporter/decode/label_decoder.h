#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "decode/decoder.h"
#include "decode/label_source.h"
#include "schema/metric_schema.h"

namespace tpx::decode {

/// Turns the key bytes of one metric's rows into the texts of its labels, by the layout and the decoder chains that the
/// planner chose. Move-only; used by one thread at a time.
///
/// Decoded texts are remembered in a cache for each label. Where a decoder of the chain is not stable, refresh() decodes
/// what is in the cache again: as many values as there are different ones, not as there are rows.
class LabelDecoder : public LabelSource {
 public:
  /// Fails when a chain names a decoder that the table lacks, or when its pattern is not valid.
  [[nodiscard]] static Result<LabelDecoder> make(const schema::KeyLayout& layout, const Environment& environment);

  /// To be called once before each scrape. Begins a new generation() when a text has changed, or may have.
  void refresh();

  /// The label texts of `key`, in the order of the layout, all valid UTF-8, written over `texts` to reuse its memory.
  /// False when the series is to be left out (a match() does not match); `texts` is then not complete. A key shorter than
  /// the layout reads as if zeros followed.
  [[nodiscard]] bool decode(std::span<const std::byte> key, std::vector<std::string>& texts) override;

  /// True when equal keys give equal texts in every scrape, so that the caller may keep what it made of them.
  [[nodiscard]] bool stable() const override;
  [[nodiscard]] std::optional<std::uint64_t> generation() const override { return generation_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Label {
    schema::KeyField field;
    std::vector<std::unique_ptr<Decoder>> chain;
    bool stable = true;
    bool forgot = false;  ///< not stable: more different values were decoded than are remembered
    std::unordered_map<std::string, Output, Hash, std::equal_to<>> cache;
  };

  explicit LabelDecoder(std::vector<Label> labels) : labels_(std::move(labels)) {}
  static Result<Label> make_label(const schema::KeyField& field, const Environment& environment);
  static bool decode_label(Label& label, std::span<const std::byte> bytes, std::string& text);
  static bool refresh_label(Label& label);

  std::vector<Label> labels_;
  std::uint64_t generation_ = 0;
};

}  // namespace tpx::decode
