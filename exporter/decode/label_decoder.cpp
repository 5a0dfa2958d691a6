#include "decode/label_decoder.h"

#include <algorithm>
#include <utility>

#include "decode/plain.h"

namespace tpx::decode {
namespace {

constexpr std::size_t kCacheEntries = 4096;
constexpr std::size_t kUnstableEntries = 16384;

std::span<const std::byte> field_bytes(std::span<const std::byte> key, const schema::KeyField& field) {
  if (field.offset >= key.size()) {
    return {};
  }
  return key.subspan(field.offset, std::min<std::size_t>(field.type.size, key.size() - field.offset));
}

Input first_input(const schema::KeyField& field, std::span<const std::byte> bytes) {
  const Input input = input_of(field.type, bytes);
  if (field.probe_names.empty()) {
    return input;
  }
  return input_of(input.integer < field.probe_names.size() ? std::string_view(field.probe_names[input.integer])
                                                           : std::string_view("unknown"));
}

/// What tells two inputs of one label apart.
std::string_view cache_key(const Input& input, std::span<const std::byte> bytes) {
  if (input.type.kind == schema::ValueType::Kind::String) {
    return input.text;
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The input that has this cache_key().
Input remembered_input(const schema::KeyField& field, std::string_view key) {
  return field.probe_names.empty() ? input_of(field.type, {reinterpret_cast<const std::byte*>(key.data()), key.size()})
                                   : input_of(key);
}

Output run_chain(const std::vector<std::unique_ptr<Decoder>>& chain, const Input& first) {
  Output output = chain.front()->decode(first);
  for (std::size_t i = 1; i < chain.size() && output.keep; ++i) {
    Output next = chain[i]->decode(input_of(output.text));
    output = std::move(next);
  }
  return output;
}

}  // namespace

Result<LabelDecoder::Label> LabelDecoder::make_label(const schema::KeyField& field, const Environment& environment) {
  Label label;
  label.field = field;
  for (const schema::DecoderCall& call : field.decoders) {
    const auto entries = table();
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& candidate) { return candidate.signature.name == call.name; });
    if (entry == entries.end()) {
      return fail("label \"" + field.label + "\": there is no decoder \"" + call.name + "\"");
    }
    if (entry->signature.check_pattern != nullptr) {
      if (auto valid = entry->signature.check_pattern(call.pattern); !valid) {
        return fail(std::move(valid.error()).with_context("label \"" + field.label + "\": "));
      }
    }
    label.chain.push_back(entry->make(call, environment));
    label.stable = label.stable && label.chain.back()->stable();
  }
  return label;
}

Result<LabelDecoder> LabelDecoder::make(const schema::KeyLayout& layout, const Environment& environment) {
  std::vector<Label> labels;
  labels.reserve(layout.fields.size());
  for (const schema::KeyField& field : layout.fields) {
    auto label = make_label(field, environment);
    if (!label) {
      return fail(std::move(label.error()));
    }
    labels.push_back(std::move(*label));
  }
  return LabelDecoder(std::move(labels));
}

void LabelDecoder::refresh() {
  for (Label& label : labels_) {
    for (const auto& decoder : label.chain) {
      decoder->refresh();
    }
    if (!label.stable && refresh_label(label)) {
      ++generation_;
    }
  }
}

/// Decodes all remembered values again. True when a text has changed, or one that is not remembered may have; then the
/// rows that are left ask for theirs anew.
bool LabelDecoder::refresh_label(Label& label) {
  bool changed = std::exchange(label.forgot, false);
  for (auto item = label.cache.begin(); !changed && item != label.cache.end(); ++item) {
    const Output now = run_chain(label.chain, remembered_input(label.field, item->first));
    changed = now.keep != item->second.keep || now.text != item->second.text;
  }
  if (changed) {
    label.cache.clear();
  }
  return changed;
}

bool LabelDecoder::decode(std::span<const std::byte> key, std::vector<std::string>& texts) {
  texts.resize(labels_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (!decode_label(labels_[i], field_bytes(key, labels_[i].field), texts[i])) {
      return false;
    }
  }
  return true;
}

bool LabelDecoder::decode_label(Label& label, std::span<const std::byte> bytes, std::string& text) {
  const Input input = first_input(label.field, bytes);
  if (label.chain.empty()) {
    plain_to(input, text);
    return true;
  }
  const std::string_view key = cache_key(input, bytes);
  auto found = label.cache.find(key);
  if (found == label.cache.end()) {
    if (label.cache.size() >= (label.stable ? kCacheEntries : kUnstableEntries)) {
      label.cache.clear();
      label.forgot = true;
    }
    found = label.cache.emplace(std::string(key), run_chain(label.chain, input)).first;
  }
  text = found->second.text;
  return found->second.keep;
}

bool LabelDecoder::stable() const {
  return std::all_of(labels_.begin(), labels_.end(), [](const Label& label) { return label.stable; });
}

}  // namespace tpx::decode
