#include <algorithm>
#include <array>
#include <charconv>

#include "base/words.h"
#include "kernel/print_expression.h"

namespace tpx::kernel::print {
namespace {

char unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '0':
      return '\0';
    default:
      return c;
  }
}

/// Takes what stands between quotes off the front of `text`, which begins with the opening one.
std::string take_quoted(std::string_view& text) {
  const char quote = text.front();
  std::string content;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      content += unescaped(text[++i]);
    } else {
      content += text[i];
    }
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return content;
}

std::optional<std::uint64_t> number_of(std::string_view word) {
  while (!word.empty() && std::string_view("uUlL").find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  int base = 10;
  if (word.starts_with("0x") || word.starts_with("0X")) {
    base = 16;
    word.remove_prefix(2);
  } else if (word.size() > 1 && word[0] == '0') {
    base = 8;
    word.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc() || end != word.data() + word.size()) {
    return {};
  }
  return value;
}

Token take_word(std::string_view& text) {
  std::size_t length = 1;
  while (length < text.size() && is_word(text[length])) {
    ++length;
  }
  Token token{Token::Kind::Name, std::string(text.substr(0, length)), 0};
  text.remove_prefix(length);
  if (is_digit(token.text[0])) {
    const auto number = number_of(token.text);
    token.kind = number ? Token::Kind::Number : Token::Kind::Punctuator;
    token.number = number.value_or(0);
  }
  return token;
}

Token take_punctuator(std::string_view& text) {
  constexpr std::array<std::string_view, 9> kLong = {"->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
  std::size_t length = 1;
  for (const std::string_view candidate : kLong) {
    if (text.starts_with(candidate)) {
      length = candidate.size();
    }
  }
  Token token{Token::Kind::Punctuator, std::string(text.substr(0, length)), 0};
  text.remove_prefix(length);
  return token;
}

bool is_one_of(const Token& token, std::string_view characters) {
  return token.kind == Token::Kind::Punctuator && token.text.size() == 1 &&
         characters.find(token.text[0]) != std::string_view::npos;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  while (!text.empty()) {
    if (is_space(text.front())) {
      text.remove_prefix(1);
    } else if (text.front() == '"') {
      std::string content = take_quoted(text);
      if (!tokens.empty() && tokens.back().kind == Token::Kind::String) {
        tokens.back().text += content;
      } else {
        tokens.push_back({Token::Kind::String, std::move(content), 0});
      }
    } else if (text.front() == '\'') {
      const std::string content = take_quoted(text);
      const auto value = content.empty() ? '\0' : content[0];
      tokens.push_back({Token::Kind::Number, content, static_cast<std::uint8_t>(value)});
    } else {
      tokens.push_back(is_word(text.front()) ? take_word(text) : take_punctuator(text));
    }
  }
  return tokens;
}

std::vector<std::span<const Token>> split_arguments(std::span<const Token> tokens) {
  std::vector<std::span<const Token>> arguments;
  std::size_t depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_one_of(tokens[i], "([{")) {
      ++depth;
    } else if (is_one_of(tokens[i], ")]}")) {
      depth -= depth > 0 ? 1 : 0;
    } else if (depth == 0 && is_one_of(tokens[i], ",")) {
      arguments.push_back(tokens.subspan(start, i - start));
      start = i + 1;
    }
  }
  arguments.push_back(tokens.subspan(start));
  return arguments;
}

std::optional<std::span<const Token>> inside_brackets(std::span<const Token> tokens, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (is_one_of(tokens[i], "([{")) {
      ++depth;
    } else if (is_one_of(tokens[i], ")]}") && --depth == 0) {
      return tokens.subspan(open + 1, i - open - 1);
    }
    if (depth == 0) {
      return {};
    }
  }
  return {};
}

}  // namespace tpx::kernel::print
