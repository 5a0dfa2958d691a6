#include "kernel/print_expression.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "kernel/c_types.h"

namespace tpx::kernel::print {
namespace {

/// The deepest of the kernel's (GFP masks) has some 30 levels.
constexpr unsigned kMaxDepth = 200;

/// A word of a type's name in a cast.
bool is_type_word(std::string_view word) {
  constexpr std::string_view kWords[] = {"unsigned", "signed", "void", "const", "struct", "union", "enum"};
  return word.ends_with("_t") || c_type(word) ||
         std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

int precedence(std::string_view op) {
  struct Row {
    std::string_view op;
    int level;
  };
  static constexpr Row kRows[] = {{"||", 1}, {"&&", 2}, {"|", 3}, {"^", 4},  {"&", 5},  {"==", 6},
                                  {"!=", 6}, {"<", 7},  {">", 7}, {"<=", 7}, {">=", 7}, {"<<", 8},
                                  {">>", 8}, {"+", 9},  {"-", 9}, {"*", 10}, {"/", 10}, {"%", 10}};
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.op == op; });
  return row == std::end(kRows) ? 0 : row->level;
}

using Node = std::unique_ptr<Expression>;

class Parser {
 public:
  explicit Parser(std::span<const Token> tokens) : tokens_(tokens) {}

  Node whole() {
    Node expression = conditional();
    return at_ < tokens_.size() ? nullptr : std::move(expression);
  }

 private:
  /// Counts how deep the parser itself is, whatever it builds.
  struct Level {
    explicit Level(unsigned& counter) : depth(counter) { ++depth; }
    ~Level() { --depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    unsigned& depth;
  };

  [[nodiscard]] const Token* peek(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? &tokens_[at_ + ahead] : nullptr;
  }
  [[nodiscard]] bool is_next(std::string_view punctuator, std::size_t ahead = 0) const {
    const Token* token = peek(ahead);
    return token != nullptr && token->kind == Token::Kind::Punctuator && token->text == punctuator;
  }
  bool accept(std::string_view punctuator) {
    const bool found = is_next(punctuator);
    at_ += found ? 1 : 0;
    return found;
  }

  template <class... Children>
  Node make(Expression::Kind kind, std::string text, Children... children) {
    auto node = std::make_unique<Expression>();
    node->kind = kind;
    node->text = std::move(text);
    (add(*node, std::move(children)), ...);
    const bool whole = std::none_of(node->children.begin(), node->children.end(), [](const auto& c) { return !c; });
    return whole && node->depth <= kMaxDepth ? std::move(node) : nullptr;
  }
  static void add(Expression& node, Node child) {
    node.depth = std::max(node.depth, child ? child->depth + 1 : 1);
    node.children.push_back(std::move(child));
  }

  Node conditional() {
    const Level level(level_);
    if (level_ > kMaxDepth) {
      return nullptr;
    }
    Node condition = binary(1);
    if (!condition || !accept("?")) {
      return condition;
    }
    Node yes = conditional();
    if (!yes || !accept(":")) {
      return nullptr;
    }
    return make(Expression::Kind::Conditional, "?", std::move(condition), std::move(yes), conditional());
  }

  Node binary(int lowest) {
    Node left = unary();
    while (left) {
      const Token* token = peek();
      const int level = token != nullptr && token->kind == Token::Kind::Punctuator ? precedence(token->text) : 0;
      if (level < lowest || level == 0) {
        return left;
      }
      ++at_;
      left = make(Expression::Kind::Binary, token->text, std::move(left), binary(level + 1));
    }
    return nullptr;
  }

  Node unary() {
    const Level level(level_);
    if (level_ > kMaxDepth) {
      return nullptr;
    }
    for (const std::string_view op : {"-", "+", "~", "!", "&", "*"}) {
      if (accept(op)) {
        return make(Expression::Kind::Unary, std::string(op), unary());
      }
    }
    if (auto type = cast()) {
      return make(Expression::Kind::Cast, std::move(*type), unary());
    }
    return postfix(primary());
  }

  /// `(TYPE)` where a value follows: the type's words, joined by blanks.
  std::optional<std::string> cast() {
    if (!is_next("(")) {
      return {};
    }
    std::string type;
    std::size_t words = 0;
    std::size_t ahead = 1;
    bool is_known = false;
    for (; peek(ahead) != nullptr && (peek(ahead)->kind == Token::Kind::Name || is_next("*", ahead)); ++ahead) {
      const std::string& word = peek(ahead)->text;
      type += (type.empty() ? "" : " ") + word;
      is_known = is_known || word == "*" || is_type_word(word);
      ++words;
    }
    const Token* value = peek(ahead + 1);
    if (words == 0 || !is_next(")", ahead) || value == nullptr || peek(1)->kind != Token::Kind::Name) {
      return {};
    }
    // `(NAME) - 1` subtracts; `(NAME) x` and `(type) - 1` convert.
    const bool begins_value = value->kind != Token::Kind::Punctuator || is_next("(", ahead + 1) ||
                              is_next("~", ahead + 1) || is_next("!", ahead + 1);
    const bool may_begin_value = is_next("-", ahead + 1) || is_next("*", ahead + 1) || is_next("&", ahead + 1);
    if (!begins_value && !((is_known || words > 1) && may_begin_value)) {
      return {};
    }
    at_ += ahead + 1;
    return type;
  }

  Node primary() {
    const Token* token = peek();
    if (token == nullptr) {
      return nullptr;
    }
    if (token->kind == Token::Kind::Punctuator) {
      if (!accept("(")) {
        return nullptr;
      }
      Node inner = conditional();
      return accept(")") ? std::move(inner) : nullptr;
    }
    ++at_;
    if (token->kind == Token::Kind::Number) {
      Node node = make(Expression::Kind::Number, token->text);
      node->number = token->number;
      return node;
    }
    if (token->kind == Token::Kind::String) {
      return make(Expression::Kind::String, token->text);
    }
    if (token->text == "REC" && is_next("->") && peek(1) != nullptr && peek(1)->kind == Token::Kind::Name) {
      at_ += 2;
      return make(Expression::Kind::Field, tokens_[at_ - 1].text);
    }
    return is_next("(") ? arguments_of(token->text) : make(Expression::Kind::Name, token->text);
  }

  /// A call. Arguments that are no expressions (`{ 0, "HI" }`, types) stand as opaque ones.
  Node arguments_of(const std::string& function) {
    const auto inside = inside_brackets(tokens_, at_);
    if (!inside) {
      return nullptr;
    }
    at_ += inside->size() + 2;
    Node node = make(Expression::Kind::Call, function);
    const auto arguments = split_arguments(*inside);
    for (const auto& argument : arguments) {
      Node child;
      if (!argument.empty() && argument.front().text != "{") {
        Parser inner(argument);
        inner.level_ = level_;
        child = inner.whole();
      }
      add(*node, child ? std::move(child) : make(Expression::Kind::Opaque, ""));
    }
    return node->depth <= kMaxDepth ? std::move(node) : nullptr;
  }

  Node postfix(Node value) {
    while (value) {
      if (is_next("[")) {
        const auto inside = inside_brackets(tokens_, at_);
        if (!inside) {
          return nullptr;
        }
        at_ += inside->size() + 2;
      } else if ((is_next("->") || is_next(".")) && peek(1) != nullptr && peek(1)->kind == Token::Kind::Name) {
        at_ += 2;
      } else {
        return value;
      }
      value = make(Expression::Kind::Opaque, "");
    }
    return nullptr;
  }

  std::span<const Token> tokens_;
  std::size_t at_ = 0;
  unsigned level_ = 0;
};

std::optional<std::uint64_t> apply(std::string_view op, std::uint64_t left, std::uint64_t right) {
  const auto a = static_cast<std::int64_t>(left);
  const auto b = static_cast<std::int64_t>(right);
  if (op == "<<" || op == ">>") {
    if (right >= 64) {
      return {};
    }
    return op == "<<" ? left << right : left >> right;
  }
  if (op == "/" || op == "%") {
    if (right == 0) {
      return {};
    }
    return op == "/" ? left / right : left % right;
  }
  switch (op[0]) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '^':
      return left ^ right;
    case '|':
      return op == "||" ? static_cast<std::uint64_t>(left != 0 || right != 0) : left | right;
    case '&':
      return op == "&&" ? static_cast<std::uint64_t>(left != 0 && right != 0) : left & right;
    case '=':
      return static_cast<std::uint64_t>(left == right);
    case '!':
      return static_cast<std::uint64_t>(left != right);
    case '<':
      return static_cast<std::uint64_t>(op == "<=" ? a <= b : a < b);
    case '>':
      return static_cast<std::uint64_t>(op == ">=" ? a >= b : a > b);
    default:
      return {};
  }
}

std::uint64_t convert(std::string_view type, std::uint64_t value) {
  const auto narrow = c_type(type);
  if (!narrow || narrow->size >= sizeof(value) || type == "bool") {
    return value;
  }
  const unsigned bits = 8 * narrow->size;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const bool is_negative = narrow->is_signed && ((value >> (bits - 1)) & 1U) != 0;
  return is_negative ? value | ~mask : value & mask;
}

std::optional<std::uint64_t> evaluate_call(const Expression& call, const Resolver& resolver) {
  if ((call.text == "BIT" || call.text == "BIT_ULL") && call.children.size() == 1) {
    const auto bit = evaluate(*call.children[0], resolver);
    return bit && *bit < 64 ? std::optional(std::uint64_t{1} << *bit) : std::nullopt;
  }
  if (call.text == "__builtin_expect" && call.children.size() == 2) {
    return evaluate(*call.children[0], resolver);
  }
  return {};
}

}  // namespace

ExpressionPtr parse(std::span<const Token> tokens) {
  return Parser(tokens).whole();
}

std::optional<std::uint64_t> evaluate(const Expression& expression, const Resolver& resolver) {
  const auto child = [&](std::size_t i) { return evaluate(*expression.children[i], resolver); };
  switch (expression.kind) {
    case Expression::Kind::Number:
      return expression.number;
    case Expression::Kind::Name:
      return resolver ? resolver(expression.text) : std::nullopt;
    case Expression::Kind::Cast: {
      const auto value = child(0);
      return value ? std::optional(convert(expression.text, *value)) : std::nullopt;
    }
    case Expression::Kind::Unary: {
      const auto value = child(0);
      if (!value || expression.text == "&" || expression.text == "*") {
        return {};
      }
      if (expression.text == "-") {
        return std::uint64_t{0} - *value;
      }
      if (expression.text == "~") {
        return ~*value;
      }
      return expression.text == "!" ? static_cast<std::uint64_t>(*value == 0) : *value;
    }
    case Expression::Kind::Binary: {
      const auto left = child(0);
      const auto right = left ? child(1) : std::nullopt;
      return right ? apply(expression.text, *left, *right) : std::nullopt;
    }
    case Expression::Kind::Conditional: {
      const auto condition = child(0);
      return condition ? child(*condition != 0 ? 1 : 2) : std::nullopt;
    }
    case Expression::Kind::Call:
      return evaluate_call(expression, resolver);
    case Expression::Kind::Field:
    case Expression::Kind::String:
    case Expression::Kind::Opaque:
      return {};
  }
  return {};
}

}  // namespace tpx::kernel::print
