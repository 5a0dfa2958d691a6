#include "support/random_chain.h"

#include <optional>

namespace tpx::test {

using kernel::Btf;
using Kind = schema::ValueType::Kind;

namespace {

constexpr int kSteps = 8;

bool loadable(std::uint32_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

class Walk {
 public:
  Walk(std::mt19937_64& random, const Btf& btf) : random_(random), btf_(btf) {}

  /// From a value of `type` that `text` names, to something that can be read; nothing when the walk ends in nowhere.
  std::optional<Leaf> go(std::string text, Btf::Type type) {
    bool place = false;
    for (int step = 0; step < kSteps; ++step) {
      switch (type.kind) {
        case Btf::Kind::Integer:
        case Btf::Kind::Enum:
          return loadable(type.size) ? std::optional(Leaf{text, Kind::Integer, type.size}) : std::nullopt;
        case Btf::Kind::Pointer: {
          const Btf::Type target = btf_.resolve(type.target);
          if (target.kind != Btf::Kind::Struct || random_() % 4 == 0) {
            return Leaf{text, Kind::Integer, 8, true};
          }
          if (!member(text, "->", target, type)) {
            return std::nullopt;
          }
          place = true;
          break;
        }
        case Btf::Kind::Struct:
          if (!place || !member(text, ".", type, type)) {
            return std::nullopt;
          }
          break;
        case Btf::Kind::Array: {
          const Btf::Type element = btf_.resolve(type.target);
          const std::uint32_t size = type.length * element.size;
          if (element.is_char && size > 0 && size <= 256) {
            return Leaf{text, Kind::String, size};
          }
          if (type.length == 0) {
            return std::nullopt;
          }
          text += "[" + std::to_string(random_() % type.length) + "]";
          type = element;
          break;
        }
        default:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  bool member(std::string& text, const char* arrow, const Btf::Type& structure, Btf::Type& type) {
    const std::vector<std::string> names = btf_.member_names(structure.id);
    if (names.empty()) {
      return false;
    }
    const std::string& name = names[random_() % names.size()];
    const auto found = btf_.member(structure.id, name);
    if (name.empty() || !found) {
      return false;
    }
    text += arrow + name;
    type = btf_.resolve(found->type);
    return true;
  }

  std::mt19937_64& random_;
  const Btf& btf_;
};

}  // namespace

std::vector<Leaf> random_chains(std::mt19937_64& random, const Btf& btf, const std::string& raw_tracepoint,
                                std::size_t count) {
  std::vector<Leaf> leaves;
  const auto arguments = btf.tracepoint(raw_tracepoint);
  if (!arguments || arguments->empty()) {
    return leaves;
  }
  Walk walk(random, btf);
  for (std::size_t tries = 0; tries < 8 * count && leaves.size() < count; ++tries) {
    const Btf::Argument& argument = (*arguments)[random() % arguments->size()];
    const Btf::Type type = btf.resolve(argument.type);
    // Structs and arrays are passed by value, which nothing can read, nor a pointer to anything else than these.
    const bool value = type.kind == Btf::Kind::Integer || type.kind == Btf::Kind::Enum;
    const Btf::Kind target = type.kind == Btf::Kind::Pointer ? btf.resolve(type.target).kind : Btf::Kind::Other;
    if (value || target == Btf::Kind::Integer || target == Btf::Kind::Struct || target == Btf::Kind::Void) {
      if (auto leaf = walk.go("args." + argument.name, type)) {
        leaves.push_back(std::move(*leaf));
      }
    }
  }
  return leaves;
}

}  // namespace tpx::test
