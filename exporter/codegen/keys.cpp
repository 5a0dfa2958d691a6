#include "codegen/keys.h"

#include <algorithm>
#include <vector>

#include "codegen/texts.h"

namespace tpx::codegen {

using assembler::Reg;
using plan::ValueType;

namespace {

/// Whether writing this label stores all its bytes in whatever case (a string through a pointer may be shorter).
bool fills(const plan::Bound& bound, const plan::KeyField& field) {
  if (field.type.kind == ValueType::Kind::Integer) {
    return true;
  }
  if (const auto* bytes = std::get_if<plan::ContextBytes>(&bound.node)) {
    return bytes->size == field.type.size && bound.type.size == field.type.size;
  }
  if (const auto* bytes = std::get_if<plan::MemoryBytes>(&bound.node)) {
    return bytes->direct && bytes->size == field.type.size && bound.type.size == field.type.size &&
           std::holds_alternative<plan::Special>(bytes->base->node);
  }
  return false;
}

}  // namespace

void write_key(Context& context, Integers& integers, const plan::KeyLayout& layout,
               const std::vector<plan::BoundPtr>& labels) {
  Texts texts(context, integers);
  std::vector<bool> written(layout.size, false);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const plan::KeyField& field = layout.fields[i];
    if (fills(*labels[i], field)) {
      std::fill_n(written.begin() + field.offset, field.type.size, true);
    }
  }
  context.out.comment("key");
  for (std::uint32_t word = 0; word < layout.size; word += 8) {
    if (std::find(written.begin() + word, written.begin() + word + 8, false) != written.begin() + word + 8) {
      texts.zero(kKey + word, 8);
    }
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const plan::KeyField& field = layout.fields[i];
    context.out.comment("label " + field.label);
    if (field.type.kind == ValueType::Kind::Integer) {
      integers.value(*labels[i], Reg::R0);
      context.out.store(static_cast<assembler::Size>(field.type.size), kFrame, kKey + field.offset, Reg::R0);
    } else {
      texts.write(*labels[i], kKey + field.offset, field.type.size);
    }
  }
}

}  // namespace tpx::codegen
