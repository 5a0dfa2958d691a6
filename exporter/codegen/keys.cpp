#include "codegen/keys.h"

#include <algorithm>
#include <vector>

#include "base/overloaded.h"
#include "codegen/texts.h"

namespace tpx::codegen {

using assembler::Alu;
using assembler::Reg;
using assembler::Size;
using schema::ValueType;
using typed::TypedExpr;

namespace {

/// Whether writing this label stores all its bytes in whatever case (a string through a pointer may be shorter).
bool fills(const TypedExpr& bound, const schema::KeyField& field) {
  if (field.type.kind == ValueType::Kind::Integer) {
    return true;
  }
  if (const auto* bytes = std::get_if<typed::ContextBytes>(&bound.node)) {
    return bytes->size == field.type.size && bound.type.size == field.type.size;
  }
  if (std::holds_alternative<typed::BitLetters>(bound.node)) {
    return field.type.size == bound.type.size;
  }
  if (const auto* bytes = std::get_if<typed::MemoryBytes>(&bound.node)) {
    return bytes->direct && bytes->size == field.type.size && bound.type.size == field.type.size &&
           std::holds_alternative<typed::BuiltinValue>(bytes->base->node);
  }
  return false;
}

/// Whether the value's register has nothing above the field's bytes.
bool is_narrow(const TypedExpr& bound, std::uint32_t size) {
  if (bound.type.is_signed || bound.type.size > size) {
    return false;
  }
  if (const auto* n = std::get_if<typed::MemoryLoad>(&bound.node)) {
    return n->size <= size;
  }
  if (const auto* n = std::get_if<typed::ContextLoad>(&bound.node)) {
    return n->size <= size;
  }
  const auto* n = std::get_if<typed::BuiltinValue>(&bound.node);
  return n != nullptr && size == 4 && n->kind != typed::BuiltinValue::Kind::CurrentTask;
}

/// Writes the words of one key. A word that is made of integers alone is put together in a register and stored whole:
/// the hash loads it soon, and a load that spans several stores waits for all of them.
class KeyWriter {
 public:
  KeyWriter(Context& context, Integers& integers, const schema::KeyLayout& layout)
      : out_(context.out),
        integers_(integers),
        texts_(context, integers),
        layout_(layout),
        has_text_(layout.size / 8, false),
        begun_(layout.size / 8, false) {}

  void write(const std::vector<typed::TypedExprPtr>& labels) {
    zero_gaps(labels);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const schema::KeyField& field = layout_.fields[i];
      out_.comment("label " + field.label);
      if (field.type.kind != ValueType::Kind::Integer) {
        texts_.write(*labels[i], kKey + field.offset, field.type.size);
        continue;
      }
      integers_.value(*labels[i], Reg::R0);
      if (has_text_[field.offset / 8]) {
        out_.store(static_cast<Size>(field.type.size), kFrame, kKey + field.offset, Reg::R0);
      } else {
        put(*labels[i], field);
      }
    }
  }

 private:
  void zero_gaps(const std::vector<typed::TypedExprPtr>& labels) {
    std::vector<bool> written(layout_.size, false);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const schema::KeyField& field = layout_.fields[i];
      if (fills(*labels[i], field)) {
        std::fill_n(written.begin() + field.offset, field.type.size, true);
      }
      for (std::uint32_t at = field.offset; at < field.offset + field.type.size; ++at) {
        has_text_[at / 8] = has_text_[at / 8] || field.type.kind != ValueType::Kind::Integer;
      }
    }
    for (std::uint32_t word = 0; word < layout_.size; word += 8) {
      const auto begin = written.begin() + word;
      if (has_text_[word / 8] && std::find(begin, begin + 8, false) != begin + 8) {
        texts_.zero(kKey + word, 8);
      }
    }
  }

  /// R0 into its place in a word of integers.
  void put(const TypedExpr& bound, const schema::KeyField& field) {
    const std::uint32_t word = field.offset / 8;
    const std::int64_t address = kKey + 8 * std::int64_t{word};
    if (!is_narrow(bound, field.type.size)) {
      out_.zero_extend(Reg::R0, static_cast<int>(8 * field.type.size));
    }
    if (field.offset % 8 != 0) {
      out_.alu(Alu::Lsh, Reg::R0, 8 * std::int64_t{field.offset % 8});
    }
    if (begun_[word]) {
      out_.load(Size::Double, Reg::R1, kFrame, address);
      out_.alu(Alu::Or, Reg::R0, Reg::R1);
    }
    out_.store(Size::Double, kFrame, address, Reg::R0);
    begun_[word] = true;
  }

  assembler::Program& out_;
  Integers& integers_;
  Texts texts_;
  const schema::KeyLayout& layout_;
  std::vector<bool> has_text_;  ///< by word
  std::vector<bool> begun_;
};

/// Whether the verifier may know the value as a constant once it has followed the branches that lead here.
bool is_listed(const TypedExpr& bound) {
  return std::visit(Overloaded{
                        [](const typed::Constant&) { return true; },
                        [](const typed::StringConstant&) { return true; },
                        [](const typed::DispatchIndex&) { return true; },
                        [](const typed::Conditional&) { return true; },
                        [](const typed::StringCompare&) { return true; },
                        [](const typed::PointerString&) { return true; },  // kUnreadable, or empty
                        [](const typed::MemoryBytes& n) { return !n.direct; },
                        [](const typed::SocketAddress&) { return true; },
                        [](const typed::UnaryExpr&) { return true; },
                        [](const typed::BinaryExpr&) { return true; },
                        [](const auto&) { return false; },
                    },
                    bound.node);
}

std::string identity(const schema::KeyLayout& layout, const std::vector<typed::TypedExprPtr>& labels) {
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const schema::KeyField& field = layout.fields[i];
    text += std::to_string(field.offset) + "+" + std::to_string(field.type.size) +
            (field.type.kind == ValueType::Kind::Integer ? "=" : "~") + typed::signature(*labels[i]) + ";";
  }
  return text;
}

}  // namespace

void write_key(Context& context, Integers& integers, const schema::KeyLayout& layout,
               const std::vector<typed::TypedExprPtr>& labels) {
  std::string key = identity(layout, labels);
  // What can't be read counts to each metric: each reads it.
  const bool faults = std::any_of(labels.begin(), labels.end(), [](const auto& l) { return typed::may_fault(*l); });
  if (context.key == key && !faults) {
    return;
  }
  context.out.comment("key");
  KeyWriter(context, integers, layout).write(labels);
  context.key = faults ? std::string() : std::move(key);
  context.key_listed = std::all_of(labels.begin(), labels.end(), [](const auto& label) { return is_listed(*label); });
  context.key_hashed = false;
}

}  // namespace tpx::codegen
