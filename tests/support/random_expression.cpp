#include "support/random_expression.h"

#include <algorithm>
#include <array>

#include "support/random_program.h"

namespace tpx::test {

using kernel::Field;
using Kind = schema::ValueType::Kind;

namespace {

constexpr std::uint32_t kDynamicString = 72;  ///< what a string of the record takes whose length only the event knows
constexpr std::uint32_t kDynamicArray = 64;
constexpr std::uint32_t kLongestCompared = 72;

std::uint32_t words_of(std::uint32_t bytes) {
  return (bytes + 7) / 8 * 8;
}

bool loadable(std::uint32_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

void add_field(std::vector<Leaf>& leaves, const Field& field, const std::string& name, bool syscall) {
  switch (field.kind) {
    case Field::Kind::Integer:
      // What points to pointers points to no text.
      leaves.push_back(
          {name, Kind::Integer, field.size,
           field.is_pointer && field.size == 8 && std::count(field.type.begin(), field.type.end(), '*') == 1});
      break;
    case Field::Kind::CharArray:
      leaves.push_back({name, Kind::String, std::min(field.size, 256U)});
      break;
    case Field::Kind::Array:
      if (field.size <= 256) {
        leaves.push_back({name, Kind::Bytes, field.size});
      }
      break;
    case Field::Kind::DataLoc:
    case Field::Kind::RelLoc:
      if (!syscall) {
        leaves.push_back(
            {name, field.is_string ? Kind::String : Kind::Bytes, field.is_string ? kDynamicString : kDynamicArray});
      }
      return;
    case Field::Kind::Other:
      return;
  }
  const bool elements = field.kind == Field::Kind::Array || field.kind == Field::Kind::CharArray;
  if (elements && field.length > 0 && loadable(field.element_size)) {
    leaves.push_back({name + "[0]", Kind::Integer, field.element_size});
    leaves.push_back({name + "[" + std::to_string(field.length - 1) + "]", Kind::Integer, field.element_size});
  }
}

}  // namespace

std::vector<Leaf> leaves_of(const kernel::Format& format, const std::string& prefix) {
  std::vector<Leaf> leaves;
  for (const Field& field : format.fields) {
    // libtraceevent finds the first of two fields of one name.
    if (format.find(field.name) == &field) {
      add_field(leaves, field, prefix + "args." + field.name, format.category == "syscalls");
    }
  }
  return leaves;
}

std::vector<Leaf> builtin_leaves(const std::string& prefix) {
  std::vector<Leaf> leaves;
  for (const char* name : {"pid", "tid", "ppid", "uid", "gid", "cpu"}) {
    leaves.push_back({prefix + name, Kind::Integer, 4});
  }
  leaves.push_back({prefix + "cgroup", Kind::Integer, 8});
  leaves.push_back({prefix + "nsecs", Kind::Integer, 8});
  leaves.push_back({prefix + "comm", Kind::String, 16});
  return leaves;
}

RandomExpressions::RandomExpressions(std::mt19937_64& random, std::vector<Leaf> leaves) : random_(random) {
  for (Leaf& leaf : leaves) {
    auto& list = leaf.kind == Kind::Integer ? integers_ : leaf.kind == Kind::String ? strings_ : arrays_;
    if (leaf.is_pointer) {
      pointers_.push_back(leaf);
    }
    list.push_back(std::move(leaf));
  }
}

std::string RandomExpressions::literal() {
  const std::uint64_t value = random_word(random_);
  return one_in(2) ? std::to_string(value % 100) : std::to_string(value);
}

std::string RandomExpressions::in_quotes() {
  // Often a beginning of what records hold (random_event.cpp), so that comparisons are sometimes equal.
  static constexpr std::string_view kText = "swapper/0-kworker-u16:3+events_unbound.abcdefghijklmnopqrstuvwxyz";
  const std::size_t length = one_in(4) ? 8 * below(9) : below(20);
  return '"' + std::string(kText.substr(0, std::min(length, kText.size()))) + '"';
}

RandomText RandomExpressions::integer_leaf() {
  if (one_in(4)) {
    return {literal(), 8};
  }
  const Leaf& leaf = pick(integers_);
  return {leaf.text, leaf.size};
}

RandomText RandomExpressions::binary(int depth) {
  static constexpr std::array<const char*, 10> kPlain = {"+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^"};
  const std::string op = kPlain[below(kPlain.size())];
  const std::string left = integer(depth - 1).text;
  const bool divides = op == "/" || op == "%";
  const bool shifts = op == "<<" || op == ">>";
  std::string right;
  if (shifts && one_in(2)) {
    right = std::to_string(below(64));
  } else if (divides && one_in(2)) {
    right = (one_in(3) ? "-" : "") + std::to_string(1 + random_word(random_) % 1'000'000);
  } else if (shifts || divides) {
    // Not a constant, whatever folding makes of the other operands.
    right = "(" + pick(integers_).text + " ^ " + integer(depth - 1).text + ")";
  } else {
    right = integer(depth - 1).text;
  }
  return {"(" + left + " " + op + " " + right + ")", 8};
}

RandomText RandomExpressions::comparable(int depth) {
  RandomText text = string(depth);
  if (text.size > kLongestCompared) {
    text = {"str(" + text.text + ", 31)", 32};
  }
  return text;
}

RandomText RandomExpressions::comparison(int depth) {
  if (!strings_.empty() && one_in(3)) {
    return {"(" + comparable(depth - 1).text + (one_in(2) ? " == " : " != ") + comparable(depth - 1).text + ")", 1};
  }
  static constexpr std::array<const char*, 8> kTruth = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"};
  return {"(" + integer(depth - 1).text + " " + kTruth[below(kTruth.size())] + " " + integer(depth - 1).text + ")", 1};
}

RandomText RandomExpressions::integer(int depth) {
  if (depth <= 0) {
    return integer_leaf();
  }
  switch (below(8)) {
    case 0:
      return integer_leaf();
    case 1: {
      static constexpr std::array<const char*, 3> kOps = {"-", "~", "!"};
      const std::string op = kOps[below(kOps.size())];
      return {op + "(" + integer(depth - 1).text + ")", op == "!" ? 1U : 8U};
    }
    case 2:
      return {"if(" + integer(depth - 1).text + ", " + integer(depth - 1).text + ", " + integer(depth - 1).text + ")",
              8};
    case 3:
    case 4:
      return comparison(depth);
    default:
      return binary(depth);
  }
}

RandomText RandomExpressions::string_leaf() {
  if (!pointers_.empty() && one_in(3)) {
    const std::uint64_t limit = 1 + below(60);
    return {"str(" + pick(pointers_).text + ", " + std::to_string(limit) + ")",
            words_of(static_cast<std::uint32_t>(limit) + 1)};
  }
  if (strings_.empty() || one_in(4)) {
    const std::string text = in_quotes();
    return {text, words_of(static_cast<std::uint32_t>(text.size()) - 1)};
  }
  const Leaf& leaf = pick(strings_);
  return {leaf.text, leaf.size};
}

RandomText RandomExpressions::string(int depth) {
  if (depth <= 0 || one_in(2)) {
    return string_leaf();
  }
  if (one_in(2)) {
    const std::uint64_t limit = 1 + below(40);
    const RandomText inner = string(depth - 1);
    return {"str(" + inner.text + ", " + std::to_string(limit) + ")",
            std::min(inner.size, words_of(static_cast<std::uint32_t>(limit) + 1))};
  }
  const RandomText yes = string(depth - 1);
  const RandomText no = string(depth - 1);
  return {"if(" + integer(depth - 1).text + ", " + yes.text + ", " + no.text + ")", std::max(yes.size, no.size)};
}

RandomText RandomExpressions::label(int depth, std::uint32_t room) {
  if (one_in(2)) {
    return integer(depth);
  }
  RandomText made = !arrays_.empty() && one_in(4) ? RandomText{pick(arrays_).text, 0} : string(depth);
  if (made.size == 0) {
    made.size =
        std::find_if(arrays_.begin(), arrays_.end(), [&](const Leaf& leaf) { return leaf.text == made.text; })->size;
  }
  return words_of(made.size) <= room ? made : integer(depth);
}

}  // namespace tpx::test
