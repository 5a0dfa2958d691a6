#include "cli/typed_expression.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/text.h"
#include "config/config.h"
#include "expression/ast.h"
#include "expression/lexer.h"

namespace tpx::cli {

namespace {

using expression::Token;

bool has(const std::vector<std::string>& names, std::string_view word) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

/// What stands before the word in the configuration language; empty: it is no field, or has its prefix.
std::string_view prefix_of(const Token& token, const Token& next, const KnownFields& fields) {
  const std::string word(token.text);
  // raw_syscalls/sys_enter has a field of this name, an array.
  const bool keyword = word == "from" || (word == "args" && !next.is("["));
  if (keyword || next.is("(") || expression::builtin(word) || ((word == "key" || word == "value") && next.is("."))) {
    return {};
  }
  if (has(fields.own, word)) {
    return "args.";
  }
  if (has(fields.start, word)) {
    return "from.args.";
  }
  const bool builtin = !nearest(word, expression::builtin_names(), 1).empty() || word == "arg";
  return !builtin && !nearest(word, fields.own, 1).empty() ? "args." : std::string_view();
}

}  // namespace

TypedExpression::TypedExpression(std::string typed, const KnownFields& fields)
    : typed_(std::move(typed)), text_(typed_) {
  const auto tokens = expression::tokenize(typed_, {});
  if (!tokens) {
    return;  // the parser says why
  }
  for (std::size_t i = 0; i + 1 < tokens->size(); ++i) {
    const Token& token = (*tokens)[i];
    const bool member = i > 0 && ((*tokens)[i - 1].is(".") || (*tokens)[i - 1].is("->"));
    if (token.kind != Token::Kind::Identifier) {
      continue;
    }
    if (!member) {
      insert(token.begin, prefix_of(token, (*tokens)[i + 1], fields));
    } else if (i > 1 && (*tokens)[i - 2].word("from") && (i == 2 || !(*tokens)[i - 3].is(".")) &&
               !expression::builtin(token.text) && (!token.word("args") || (*tokens)[i + 1].is("["))) {
      insert(token.begin, "args.");
    }
  }
}

void TypedExpression::insert(std::uint32_t offset, std::string_view prefix) {
  if (prefix.empty()) {
    return;
  }
  std::size_t before = 0;
  for (const auto& [at, bytes] : insertions_) {
    before += bytes;
  }
  text_.insert(offset + before, prefix);
  insertions_.emplace_back(offset, static_cast<std::uint32_t>(prefix.size()));
}

std::uint32_t TypedExpression::typed_column(std::uint32_t column) const {
  std::uint32_t before = 0;
  for (const auto& [offset, bytes] : insertions_) {
    const std::uint32_t start = offset + before;  // of the inserted text
    if (column <= start + bytes) {
      return std::min(column - before, offset + 1);
    }
    before += bytes;
  }
  return column - before;
}

std::string TypedOptions::add(const std::string& option, const std::string& typed) {
  options_.emplace_back(option, TypedExpression(typed, fields_));
  return options_.back().second.text();
}

std::string TypedOptions::render(const Error& error) const {
  std::string text = "error: " + error.message + (error.hint.empty() ? "" : "; " + error.hint) + "\n";
  if (!error.location || error.location->line == 0 || error.location->column == 0) {
    return text;
  }
  std::uint32_t number = 0;
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const auto& option) {
    number += option.first == error.location->file ? 1 : 0;
    return number == error.location->line;
  });
  if (found == options_.end()) {
    return text;
  }
  // config::render() draws the caret.
  const std::string lead = found->first + " ";
  config::Config config;
  config.files.push_back({found->first, lead + found->second.typed(), "", {}, {}});
  Error here = error;
  here.location = {found->first, 1,
                   found->second.typed_column(error.location->column) + static_cast<std::uint32_t>(lead.size())};
  const std::string drawn = config::render({here}, config);
  return text + drawn.substr(drawn.find('\n') + 1);
}

void TypedOptions::report(const Error& error) const {
  std::fputs(render(error).c_str(), stderr);
}

std::vector<std::string> split_expressions(std::string_view text) {
  std::vector<std::string> pieces(1);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      pieces.back() += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    }
    if (c == ',' && depth == 0 && !quoted) {
      pieces.emplace_back();
    } else {
      pieces.back() += text[i];
    }
  }
  for (std::string& piece : pieces) {
    piece = std::string(trim(piece));
  }
  return pieces;
}

}  // namespace tpx::cli
