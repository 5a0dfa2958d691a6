#include <algorithm>
#include <array>

#include "expression/ast.h"

namespace tpx::expression {
namespace {

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Keys print as the shorter of the two readings of the same 64 bits: -1 rather than 18446744073709551615.
std::string key_text(std::uint64_t key) {
  const bool negative = (key >> 63U) != 0;
  return negative ? '-' + std::to_string(~key + 1) : std::to_string(key);
}

class Printer {
 public:
  void print(const Node& node) {
    std::visit([this](const auto& value) { put(value); }, node.value);
  }
  std::string text;

 private:
  void put(const IntegerLiteral& literal) { text += std::to_string(literal.value); }
  void put(const StringLiteral& literal) { text += in_quotes(literal.value); }
  void put(const BuiltinRef& ref) {
    text += ref.from ? "from." : "";
    text += name(ref.builtin);
  }
  void put(const Argument& argument) {
    static constexpr std::array<std::string_view, 3> kRoots = {"args", "key", "value"};
    text += argument.from ? "from." : "";
    text += kRoots.at(static_cast<std::size_t>(argument.root));
    if (!argument.name.empty()) {
      text += '.' + argument.name;
    }
  }
  void put(const Member& member) {
    print_base(*member.base);
    text += member.arrow ? "->" : ".";
    text += member.name;
  }
  void put(const Index& index) {
    print_base(*index.base);
    text += '[';
    print(*index.index);
    text += ']';
  }
  void put(const Unary& unary) {
    text += name(unary.op);
    print(*unary.operand);
  }
  void put(const Binary& binary) {
    text += '(';
    print(*binary.left);
    text += ' ';
    text += name(binary.op);
    text += ' ';
    print(*binary.right);
    text += ')';
  }
  void put(const Call& call) {
    text += call.function + '(';
    std::string_view comma;
    for (const NodePtr& argument : call.arguments) {
      text += comma;
      print(*argument);
      comma = ", ";
    }
    for (const NamedValue& named : call.names) {
      text += comma;
      text += key_text(named.value) + '=' + in_quotes(named.name);
      comma = ", ";
    }
    if (call.rest) {
      text += std::string(comma) + "*=" + in_quotes(*call.rest);
    }
    text += ')';
  }

  // `.`, `->` and `[` bind tighter than a sign; `1.x` would read as a number; `key.x` of the whole `key` as its member.
  static bool needs_parentheses(const Node& node) {
    const auto* argument = std::get_if<Argument>(&node.value);
    return std::holds_alternative<Unary>(node.value) || std::holds_alternative<IntegerLiteral>(node.value) ||
           std::holds_alternative<StringLiteral>(node.value) || (argument != nullptr && argument->name.empty());
  }
  void print_base(const Node& node) {
    const bool parentheses = needs_parentheses(node);
    text += parentheses ? "(" : "";
    print(node);
    text += parentheses ? ")" : "";
  }
};

}  // namespace

std::string to_text(const Node& node) {
  Printer printer;
  printer.print(node);
  return std::move(printer.text);
}

}  // namespace tpx::expression
