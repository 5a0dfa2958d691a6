#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "expression/ast.h"
#include "expression/lexer.h"

namespace tpx::expression {
namespace {

constexpr std::size_t kMaxLength = 4096;
constexpr unsigned kMaxDepth = 64;
constexpr const char* kFieldHint = "fields of the tracepoint are written args.NAME";

struct BinaryRow {
  BinaryOp op;
  int precedence;  // higher binds tighter; as in C
};
constexpr std::array<BinaryRow, 18> kBinary = {{{BinaryOp::Mul, 10},
                                                {BinaryOp::Div, 10},
                                                {BinaryOp::Mod, 10},
                                                {BinaryOp::Add, 9},
                                                {BinaryOp::Sub, 9},
                                                {BinaryOp::Shl, 8},
                                                {BinaryOp::Shr, 8},
                                                {BinaryOp::Lt, 7},
                                                {BinaryOp::Le, 7},
                                                {BinaryOp::Gt, 7},
                                                {BinaryOp::Ge, 7},
                                                {BinaryOp::Eq, 6},
                                                {BinaryOp::Ne, 6},
                                                {BinaryOp::BitAnd, 5},
                                                {BinaryOp::BitXor, 4},
                                                {BinaryOp::BitOr, 3},
                                                {BinaryOp::LogicAnd, 2},
                                                {BinaryOp::LogicOr, 1}}};
constexpr std::array<UnaryOp, 3> kUnary = {UnaryOp::Negate, UnaryOp::BitNot, UnaryOp::LogicNot};

// A subtree and its height: the tree is as bounded as the recursion that made it, since later passes recurse on it.
struct Tree {
  NodePtr node;
  unsigned height = 1;
};

class Parser {
 public:
  Parser(std::vector<Token> tokens, const SourceLocation& at) : tokens_(std::move(tokens)), at_(at) {}

  Result<NodePtr> run() {
    if (peek().kind == Token::Kind::End) {
      return fail_at(0, at_, "the expression is empty");
    }
    Result<Tree> tree = expression(1);
    if (!tree) {
      return fail(std::move(tree.error()));
    }
    if (peek().kind != Token::Kind::End) {
      return unexpected_after();
    }
    return std::move(tree->node);
  }

 private:
  // ---- tokens
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(position_ + ahead, tokens_.size() - 1)]; }
  const Token& take() {
    const Token& token = peek();
    position_ = std::min(position_ + 1, tokens_.size() - 1);
    return token;
  }
  bool accept(std::string_view symbol) {
    if (!peek().is(symbol)) {
      return false;
    }
    take();
    return true;
  }
  tl::unexpected<Error> fail_here(std::string message, std::string hint = {}) const {
    return fail_at(peek().begin, at_, std::move(message), std::move(hint));
  }
  static std::string shown(const Token& token) {
    return token.kind == Token::Kind::End ? "the end of the expression" : std::string(token.text);
  }

  // ---- nodes
  Result<Tree> make(decltype(Node::value) value, std::uint32_t begin, unsigned height_of_children) const {
    if (height_of_children >= kMaxDepth) {
      return fail_at(begin, at_, "the expression is nested deeper than " + std::to_string(kMaxDepth) + " levels",
                     "shorten it, or split the metric");
    }
    const std::uint32_t end = tokens_[position_ == 0 ? 0 : position_ - 1].end;
    return Tree{std::make_shared<const Node>(Node{std::move(value), begin, end}), height_of_children + 1};
  }

  // Counts the levels of recursion, whatever makes them.
  class Level {
   public:
    explicit Level(unsigned& depth) : depth_(depth) { ++depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

   private:
    unsigned& depth_;
  };
  Result<Tree> nested(Result<Tree> (Parser::*rule)()) {
    if (depth_ >= kMaxDepth) {
      return fail_here("the expression is nested deeper than " + std::to_string(kMaxDepth) + " levels",
                       "shorten it, or split the metric");
    }
    const Level level(depth_);
    return (this->*rule)();
  }
  Result<Tree> whole() { return expression(1); }

  // ---- rules
  Result<Tree> expression(int precedence) {
    Result<Tree> left = unary();
    while (left) {
      const auto row = std::find_if(kBinary.begin(), kBinary.end(),
                                    [this](const BinaryRow& candidate) { return peek().is(name(candidate.op)); });
      if (row == kBinary.end() || row->precedence < precedence) {
        return left;
      }
      take();
      Result<Tree> right = expression(row->precedence + 1);
      if (!right) {
        return right;
      }
      const unsigned height = std::max(left->height, right->height);
      const std::uint32_t begin = left->node->begin;
      left = make(Binary{row->op, std::move(left->node), std::move(right->node)}, begin, height);
    }
    return left;
  }

  Result<Tree> unary() {
    for (const UnaryOp op : kUnary) {
      if (peek().is(name(op))) {
        const std::uint32_t begin = take().begin;
        Result<Tree> operand = nested(&Parser::unary);
        if (!operand) {
          return operand;
        }
        return make(Unary{op, std::move(operand->node)}, begin, operand->height);
      }
    }
    return postfix();
  }

  Result<Tree> postfix() {
    const std::uint32_t begin = peek().begin;
    Result<Tree> tree = primary();
    while (tree) {
      if (peek().is(".") || peek().is("->")) {
        const bool arrow = take().is("->");
        Result<std::string> member = member_name();
        if (!member) {
          return fail(std::move(member.error()));
        }
        tree = make(Member{std::move(tree->node), std::move(*member), arrow}, begin, tree->height);
      } else if (accept("[")) {
        Result<Tree> index = nested(&Parser::whole);
        if (!index) {
          return index;
        }
        if (!accept("]")) {
          return fail_here("expected ] but found " + shown(peek()));
        }
        const unsigned height = std::max(tree->height, index->height);
        tree = make(Index{std::move(tree->node), std::move(index->node)}, begin, height);
      } else if (peek().is("(")) {
        return fail_here("only functions can be called");
      } else {
        break;
      }
    }
    return tree;
  }

  Result<std::string> member_name() {
    if (peek().kind != Token::Kind::Identifier) {
      return fail_here("expected a field name but found " + shown(peek()));
    }
    return std::string(take().text);
  }

  Result<Tree> primary() {
    const Token& token = peek();
    switch (token.kind) {
      case Token::Kind::Integer:
        take();
        return make(IntegerLiteral{token.integer}, token.begin, 0);
      case Token::Kind::String:
        take();
        return make(StringLiteral{token.string}, token.begin, 0);
      case Token::Kind::Identifier:
        return identifier();
      case Token::Kind::Symbol:
        if (accept("(")) {
          Result<Tree> inner = nested(&Parser::whole);
          if (inner && !accept(")")) {
            return unclosed();
          }
          return inner;
        }
        break;
      case Token::Kind::End:
        break;
    }
    return fail_here("expected a value but found " + shown(token),
                     token.is("=") ? "equality is written ==" : std::string());
  }

  Result<Tree> identifier() {
    if (peek(1).is("(") && !peek().word("args") && !peek().word("from") && !peek().word("not")) {
      return call();
    }
    const Token& token = take();
    if (token.word("args")) {
      return argument(token.begin, Argument::Root::Args, false);
    }
    if (token.word("key")) {
      return argument(token.begin, Argument::Root::Key, false);
    }
    if (token.word("value")) {
      return argument(token.begin, Argument::Root::Value, false);
    }
    if (token.word("from")) {
      return from(token.begin);
    }
    if (const auto known = builtin(token.text)) {
      return make(BuiltinRef{*known, false}, token.begin, 0);
    }
    return unknown(token);
  }

  Result<Tree> from(std::uint32_t begin) {
    if (!accept(".")) {
      return fail_here("expected . after from", "write from.args.NAME, or from.comm and the like");
    }
    const Token& token = peek();
    if (token.word("args")) {
      take();
      return argument(begin, Argument::Root::Args, true);
    }
    const auto known = token.kind == Token::Kind::Identifier ? builtin(token.text) : std::nullopt;
    if (!known) {
      return fail_here("from has no " + shown(token),
                       "write from.args." + std::string(token.text) + " for a field of the first event");
    }
    take();
    return make(BuiltinRef{*known, true}, begin, 0);
  }

  // After `args`, `key` or `value`. The latter two may stand alone: the whole key or value of a map without a struct.
  Result<Tree> argument(std::uint32_t begin, Argument::Root root, bool from) {
    const Token& token = peek();
    if (token.is("->")) {
      const std::string written(tokens_[position_ - 1].text);
      return fail_here(written + " is no pointer",
                       "write " + (from ? "from." + written : written) + '.' + std::string(peek(1).text));
    }
    if (!token.is(".")) {
      if (root != Argument::Root::Args) {
        return make(Argument{{}, from, root}, begin, 0);
      }
      return fail_here("args needs a field", kFieldHint);
    }
    take();
    Result<std::string> field = member_name();
    if (!field) {
      return fail(std::move(field.error()));
    }
    return make(Argument{std::move(*field), from, root}, begin, 0);
  }

  Result<Tree> call() {
    const Token& function = take();
    take();
    Call made{std::string(function.text), {}, {}};
    unsigned height = 0;
    if (!accept(")")) {
      do {
        const bool negative = peek().is("-");
        if (peek(negative ? 1 : 0).kind == Token::Kind::Integer && peek(negative ? 2 : 1).is("=")) {
          if (auto problem = named_value(made)) {
            return fail(std::move(*problem));
          }
          continue;
        }
        if (peek().is("*") && peek(1).is("=")) {
          if (auto problem = rest_name(made)) {
            return fail(std::move(*problem));
          }
          break;
        }
        const std::uint32_t begin = peek().begin;
        Result<Tree> value = nested(&Parser::whole);
        if (!value) {
          return value;
        }
        if (made.function == "map" && !made.arguments.empty() && peek().is("=")) {
          return fail_at(begin, at_, "map() needs an integer before \"=\", not " + to_text(*value->node),
                         "write map(value, 1=\"name\"); to replace a string use if(value == \"a\", \"b\", value)");
        }
        if (!made.names.empty()) {
          return fail_at(begin, at_, "a value after names",
                         "values come first: " + made.function + "(value, 1=\"name\")");
        }
        height = std::max(height, value->height);
        made.arguments.push_back(std::move(value->node));
      } while (accept(","));
      if (!accept(")")) {
        return unclosed();
      }
    }
    return make(std::move(made), function.begin, height);
  }

  // `1="read"`, `-1="error"`
  std::optional<Error> named_value(Call& call) {
    const std::uint32_t begin = peek().begin;
    const bool negative = accept("-");
    const Token& key = take();
    take();
    constexpr std::uint64_t kLowest = std::uint64_t{1} << 63U;
    if (negative && key.integer > kLowest) {
      return fail_at(begin, at_, '-' + std::string(key.text) + " does not fit in 64 bits").value();
    }
    const std::uint64_t value = negative ? ~key.integer + 1 : key.integer;
    if (std::any_of(call.names.begin(), call.names.end(), [&](const NamedValue& n) { return n.value == value; })) {
      return fail_at(begin, at_, (negative ? "-" : "") + std::string(key.text) + " is named twice").value();
    }
    if (peek().kind != Token::Kind::String) {
      return fail_here("expected a string in double quotes but found " + shown(peek())).value();
    }
    call.names.push_back({value, take().string});
    return std::nullopt;
  }

  // `*="other"`, which ends the list
  std::optional<Error> rest_name(Call& call) {
    if (call.names.empty()) {
      return fail_here("a name for all other values before the first name", "write map(value, 1=\"name\", *=\"other\")")
          .value();
    }
    take();
    take();
    if (peek().kind != Token::Kind::String) {
      return fail_here("expected a string in double quotes but found " + shown(peek())).value();
    }
    call.rest = take().string;
    if (peek().is(",")) {
      return fail_here("a name after the one of all other values", "write *=\"other\" last").value();
    }
    return std::nullopt;
  }

  // ---- errors
  tl::unexpected<Error> unclosed() const {
    if (peek().kind == Token::Kind::End) {
      return fail_here("expected ) but found the end of the expression");
    }
    return unexpected_after();
  }

  // What follows a complete value can only be an operator.
  tl::unexpected<Error> unexpected_after() const {
    const Token& token = peek();
    if (token.is("=")) {
      return fail_here("there is no assignment", "equality is written ==");
    }
    if (token.word("and") || token.word("or")) {
      return fail_here("unexpected " + shown(token), token.word("and") ? "write &&" : "write ||");
    }
    if (token.is(")")) {
      return fail_here("unexpected )", "no ( is open here");
    }
    return fail_here("expected an operator but found " + shown(token));
  }

  tl::unexpected<Error> unknown(const Token& token) const {
    const std::string word(token.text);
    const std::string message = "unknown name \"" + word + '"';
    const auto at = [&](std::string hint) { return fail_at(token.begin, at_, message, std::move(hint)); };
    const bool member = peek().is(".") || peek().is("->");
    if (member && (word == "arg" || word == "ctx" || word == "argv" || word == "params")) {
      return at("write args." + std::string(peek(1).text));
    }
    if (word == "not") {
      return at("write !");
    }
    if (word == "to" && member) {
      return at("the second event's fields are written args.NAME");
    }
    if (word == "true" || word == "false") {
      return at(word == "true" ? "write 1" : "write 0");
    }
    std::vector<std::string> known = builtin_names();
    known.emplace_back("args");
    known.emplace_back("from");
    const std::string near = did_you_mean(word, known);
    if (member && !near.empty()) {
      return at(near);
    }
    return at((near.empty() ? "" : near + " ") + "a field of the tracepoint is written args." + word + ", a text \"" +
              word + "\"");
  }

  std::vector<Token> tokens_;
  const SourceLocation& at_;
  std::size_t position_ = 0;
  unsigned depth_ = 0;
};

}  // namespace

Result<NodePtr> parse(std::string_view text, const SourceLocation& at) {
  if (text.size() > kMaxLength) {
    return fail_at(0, at, "the expression is longer than " + std::to_string(kMaxLength) + " bytes");
  }
  Result<std::vector<Token>> tokens = tokenize(text, at);
  if (!tokens) {
    return fail(std::move(tokens.error()));
  }
  return Parser(std::move(*tokens), at).run();
}

}  // namespace tpx::expression
