#include "expression/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/words.h"

namespace tpx::expression {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) {
    return static_cast<unsigned>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<unsigned>(c - 'a') + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<unsigned>(c - 'A') + 10;
  }
  return std::nullopt;
}

// Longest first, so that the first match is the right one.
constexpr std::array<std::string_view, 27> kSymbols = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->",
                                                       "+",  "-",  "*",  "/",  "%",  "&",  "|",  "^",  "~",
                                                       "!",  "<",  ">",  "(",  ")",  "[",  "]",  ",",  "."};

class Lexer {
 public:
  Lexer(std::string_view text, const SourceLocation& at) : text_(text), at_(at) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    for (;;) {
      while (position_ < text_.size() && is_space(text_[position_])) {
        ++position_;
      }
      Result<Token> token = next();
      if (!token) {
        return fail(std::move(token.error()));
      }
      tokens.push_back(std::move(*token));
      if (tokens.back().kind == Token::Kind::End) {
        return tokens;
      }
    }
  }

 private:
  Result<Token> next() {
    if (position_ == text_.size()) {
      return token(Token::Kind::End, 0);
    }
    const char c = text_[position_];
    if (is_digit(c)) {
      return number();
    }
    if (is_letter(c)) {
      std::size_t length = 1;
      while (position_ + length < text_.size() && is_word(text_[position_ + length])) {
        ++length;
      }
      return token(Token::Kind::Identifier, length);
    }
    if (c == '"') {
      return string();
    }
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(position_).starts_with(symbol)) {
        return token(Token::Kind::Symbol, symbol.size());
      }
    }
    return stray();
  }

  // '=' is a symbol too: map(x, 1="read") has it.
  Result<Token> stray() {
    const char c = text_[position_];
    switch (c) {
      case '=':
        return token(Token::Kind::Symbol, 1);
      case '\'':
        return fail_at(position_, at_, "unexpected '", "strings are written in double quotes");
      case '?':
        return fail_at(position_, at_, "there is no ?:", "write if(condition, a, b)");
      case '$':
        return fail_at(position_, at_, "unexpected $", "fields of the tracepoint are written args.NAME");
      default:
        break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F) {
      return fail_at(position_, at_, std::string("unexpected ") + c);
    }
    return fail_at(position_, at_,
                   byte >= 0x80 ? "unexpected character that is not ASCII" : "unexpected control character",
                   "outside of strings, expressions are ASCII");
  }

  Token token(Token::Kind kind, std::size_t length) {
    Token made;
    made.kind = kind;
    made.text = text_.substr(position_, length);
    made.begin = static_cast<std::uint32_t>(position_);
    position_ += length;
    made.end = static_cast<std::uint32_t>(position_);
    return made;
  }

  Result<Token> number() {
    const std::size_t begin = position_;
    std::size_t length = 1;
    while (begin + length < text_.size() && is_word(text_[begin + length])) {
      ++length;
    }
    const std::string_view all = text_.substr(begin, length);
    if (begin + length + 1 < text_.size() && text_[begin + length] == '.' && is_digit(text_[begin + length + 1])) {
      return fail_at(begin, at_, "expressions know integers only", "for another unit on the way out there is `scale`");
    }
    const bool hex = all.starts_with("0x") || all.starts_with("0X");
    const std::string_view body = hex ? all.substr(2) : all;
    std::string digits;
    bool well_formed = !body.empty() && body.front() != '_' && body.back() != '_';
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (body[i] == '_') {
        well_formed = well_formed && i + 1 < body.size() && body[i + 1] != '_';
      } else {
        well_formed = well_formed && (hex ? hex_digit(body[i]).has_value() : is_digit(body[i]));
        digits += body[i];
      }
    }
    if (!well_formed) {
      return fail_at(begin, at_, "malformed number " + std::string(all), "integers look like 42, 0x2a or 1_000");
    }
    if (!hex && digits.size() > 1 && digits.front() == '0') {
      return leading_zero(begin, all, digits);
    }
    Token made = token(Token::Kind::Integer, length);
    const auto [rest, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), made.integer, hex ? 16 : 10);
    if (failure != std::errc{} || rest != digits.data() + digits.size()) {
      return fail_at(begin, at_, std::string(all) + " does not fit in 64 bits");
    }
    return made;
  }

  // In C 0755 is octal, elsewhere it is 755: neither is what every reader expects.
  Result<Token> leading_zero(std::size_t begin, std::string_view all, const std::string& digits) {
    std::uint64_t octal = 0;
    const auto [rest, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), octal, 8);
    const std::size_t significant = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    std::string hint = "write " + digits.substr(significant);
    if (failure == std::errc{} && rest == digits.data() + digits.size() && octal > 7) {
      hint += ", or " + std::to_string(octal) + " if it is octal";
    }
    return fail_at(begin, at_, "the number " + std::string(all) + " starts with 0", std::move(hint));
  }

  Result<Token> string() {
    const std::size_t begin = position_;
    std::string value;
    std::size_t i = begin + 1;
    while (i < text_.size() && text_[i] != '"') {
      if (text_[i] != '\\') {
        if (text_[i] == '\0') {
          return fail_at(i, at_, "a string can't hold a NUL byte");
        }
        value += text_[i++];
        continue;
      }
      const Result<std::size_t> length = escape(i, value);
      if (!length) {
        return fail(length.error());
      }
      i += *length;
    }
    if (i >= text_.size()) {
      return fail_at(begin, at_, "this string has no closing \"");
    }
    Token made = token(Token::Kind::String, i + 1 - begin);
    made.string = std::move(value);
    return made;
  }

  // Appends what the escape at `i` stands for; returns its length in the source.
  Result<std::size_t> escape(std::size_t i, std::string& value) const {
    const char c = i + 1 < text_.size() ? text_[i + 1] : '\0';
    switch (c) {
      case '"':
      case '\\':
        value += c;
        return std::size_t{2};
      case 'n':
        value += '\n';
        return std::size_t{2};
      case 't':
        value += '\t';
        return std::size_t{2};
      case 'x':
        break;
      default:
        return fail_at(i, at_, "unknown escape in a string", "there are \\\" \\\\ \\n \\t and \\xNN");
    }
    const auto high = i + 2 < text_.size() ? hex_digit(text_[i + 2]) : std::nullopt;
    const auto low = i + 3 < text_.size() ? hex_digit(text_[i + 3]) : std::nullopt;
    if (!high || !low) {
      return fail_at(i, at_, "\\x needs two hexadecimal digits");
    }
    if (*high == 0 && *low == 0) {
      return fail_at(i, at_, "a string can't hold a NUL byte");
    }
    value += static_cast<char>(static_cast<unsigned char>(*high * 16 + *low));
    return std::size_t{4};
  }

  std::string_view text_;
  const SourceLocation& at_;
  std::size_t position_ = 0;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view text, const SourceLocation& at) {
  return Lexer(text, at).run();
}

tl::unexpected<Error> fail_at(std::size_t offset, const SourceLocation& at, std::string message, std::string hint) {
  SourceLocation where = at;
  where.column += static_cast<std::uint32_t>(offset);
  return fail(Error{std::move(message), std::move(hint), std::move(where)});
}

}  // namespace tpx::expression
