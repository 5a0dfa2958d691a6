#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "base/text.h"
#include "kernel/btf.h"
#include "kernel/format.h"
#include "kernel/print_expression.h"

namespace tpx::kernel {
namespace {

using print::Expression;
using print::Token;
using Tokens = std::span<const Token>;

/// Longer texts are no kernel's (the longest print format of 6.18 has 5 kB).
constexpr std::size_t kMaxText = 64U << 10U;
/// ext4_fc_stats prints ten tables.
constexpr std::size_t kMaxTables = 256;

/// Which part of a field an expression is: `(REC->ioprio >> 13) & 7`. A one-hot is `1 << REC->field`.
struct Part {
  unsigned shift = 0;
  std::uint64_t mask = ~std::uint64_t{0};
  bool one_hot = false;

  [[nodiscard]] bool is_whole() const { return shift == 0 && mask == ~std::uint64_t{0}; }
  friend bool operator==(const Part&, const Part&) = default;
};

std::optional<Part> part_of(const Expression& expression, std::string_view field);

std::optional<Part> part_of_operation(const Expression& operation, std::string_view field) {
  const Expression& left = *operation.children[0];
  const Expression& right = *operation.children[1];
  if (operation.text == "<<") {
    auto part = part_of(right, field);
    const auto base = print::evaluate(left);
    if (!part || !part->is_whole() || part->one_hot || base != 1) {
      return {};
    }
    part->one_hot = true;
    return part;
  }
  const auto right_value = print::evaluate(right);
  if (operation.text == ">>" && right_value && *right_value < 64) {
    auto part = part_of(left, field);
    if (!part || part->one_hot || part->shift + *right_value >= 64) {
      return {};
    }
    part->shift += static_cast<unsigned>(*right_value);
    // The mask counts after the shift; above it there is nothing.
    part->mask = part->mask == ~std::uint64_t{0} ? part->mask : part->mask >> *right_value;
    return part;
  }
  if (operation.text == "&") {
    const auto left_value = print::evaluate(left);
    auto part = right_value ? part_of(left, field) : left_value ? part_of(right, field) : std::nullopt;
    if (!part || part->one_hot) {
      return {};
    }
    part->mask &= right_value ? *right_value : *left_value;
    return part;
  }
  return {};
}

/// How `expression` picks its value out of the field; nothing when it does more than that.
std::optional<Part> part_of(const Expression& expression, std::string_view field) {
  switch (expression.kind) {
    case Expression::Kind::Field:
      return expression.text == field ? std::optional(Part{}) : std::nullopt;
    case Expression::Kind::Cast:
      return part_of(*expression.children[0], field);
    case Expression::Kind::Binary:
      return part_of_operation(expression, field);
    case Expression::Kind::Conditional: {
      const auto yes = part_of(*expression.children[1], field);
      return yes ? yes : part_of(*expression.children[2], field);
    }
    case Expression::Kind::Call:
      return expression.text == "__builtin_expect" && !expression.children.empty()
                 ? part_of(*expression.children[0], field)
                 : std::nullopt;
    default:
      return {};
  }
}

/// One `__print_symbolic` or `__print_flags` of the field.
struct Table {
  struct Entry {
    std::optional<std::uint64_t> value;
    std::string expression;  ///< where the value is not known
    std::string name;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  Part part;
  bool is_flags = false;
  std::vector<Entry> entries;
  friend bool operator==(const Table&, const Table&) = default;
};

std::string text_of(Tokens tokens) {
  std::string text;
  for (const Token& token : tokens) {
    text += (text.empty() ? "" : " ") + token.text;
  }
  return text;
}

/// `{ VALUE, "NAME" }`; nothing for terminators such as `{ -1, ((void *)0) }`.
std::optional<Table::Entry> entry_of(Tokens argument) {
  if (argument.empty() || argument.front().kind != Token::Kind::Punctuator || argument.front().text != "{") {
    return {};
  }
  const auto inside = print::inside_brackets(argument, 0);
  if (!inside) {
    return {};
  }
  const auto pair = print::split_arguments(*inside);
  if (pair.size() != 2 || pair[0].empty() || pair[1].size() != 1 || pair[1][0].kind != Token::Kind::String) {
    return {};
  }
  const auto expression = print::parse(pair[0]);
  if (!expression) {
    return {};
  }
  const auto value = print::evaluate(*expression);
  return Table::Entry{value, value ? std::string() : text_of(pair[0]), pair[1][0].text};
}

std::vector<Table> tables_of(Tokens tokens, std::string_view field) {
  std::vector<Table> tables;
  std::size_t seen = 0;
  for (std::size_t i = 0; i + 1 < tokens.size() && seen < kMaxTables; ++i) {
    const std::string& name = tokens[i].text;
    const bool is_flags = name == "__print_flags" || name == "__print_flags_u64";
    const bool is_symbolic = name == "__print_symbolic" || name == "__print_symbolic_u64";
    if (tokens[i].kind != Token::Kind::Name || (!is_flags && !is_symbolic) || tokens[i + 1].text != "(") {
      continue;
    }
    ++seen;
    const auto inside = print::inside_brackets(tokens, i + 1);
    if (!inside) {
      continue;
    }
    const auto arguments = print::split_arguments(*inside);
    const auto value = print::parse(arguments[0]);
    const auto part = value ? part_of(*value, field) : std::nullopt;
    if (!part) {
      continue;
    }
    Table table{*part, is_flags, {}};
    // The second argument of __print_flags is the delimiter.
    for (std::size_t k = is_flags ? 2 : 1; k < arguments.size(); ++k) {
      if (auto entry = entry_of(arguments[k])) {
        table.entries.push_back(std::move(*entry));
      }
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

/// The one table of a kind. Two that differ depend on something else (KVM's exit reasons of Intel and AMD), or name parts of
/// the field side by side (CXL's memory events): then neither is the name of the value.
const Table* unique_table(const std::vector<Table>& tables, bool is_flags) {
  const Table* found = nullptr;
  for (const Table& table : tables) {
    if (table.is_flags != is_flags) {
      continue;
    }
    if (found != nullptr && *found != table) {
      return nullptr;
    }
    found = &table;
  }
  return found;
}

void add_symbols(const Table& table, FieldNames& names) {
  for (const Table::Entry& entry : table.entries) {
    if (entry.value) {
      names.symbols.emplace(*entry.value, entry.name);
    } else {
      names.unresolved.emplace_back(entry.expression, entry.name);
    }
  }
}

void add_flags(const Table& table, FieldNames& names) {
  for (const Table::Entry& entry : table.entries) {
    if (!entry.value) {
      if (!table.part.one_hot) {
        names.unresolved.emplace_back(entry.expression, entry.name);
        names.unresolved_flags = true;
      }
    } else if (table.part.one_hot) {
      if (std::has_single_bit(*entry.value)) {
        names.symbols.emplace(static_cast<std::uint64_t>(std::countr_zero(*entry.value)), entry.name);
      }
    } else if (*entry.value == 0) {
      names.symbols.emplace(0, entry.name);
    } else {
      names.flags.emplace_back(*entry.value, entry.name);
    }
  }
}

bool is_text(const Expression& expression) {
  return expression.kind == Expression::Kind::String && !trim(expression.text).empty();
}

std::string text_of(const Expression& expression) {
  return std::string(trim(expression.text));
}

/// The name that a choice between literals gives the value 0, 1 or the compared one: `REC->ret ? "handled" : "unhandled"`.
void add_choice(const Expression& choice, std::string_view field, FieldNames& names) {
  const Expression* condition = choice.children[0].get();
  const Expression* yes = choice.children[1].get();
  const Expression* no = choice.children[2].get();
  if (condition->kind == Expression::Kind::Unary && condition->text == "!") {
    condition = condition->children[0].get();
    std::swap(yes, no);
  }
  const auto whole = part_of(*condition, field);
  if (whole && whole->is_whole() && !whole->one_hot && is_text(*yes) && is_text(*no)) {
    names.symbols.emplace(1, text_of(*yes));
    names.symbols.emplace(0, text_of(*no));
    return;
  }
  if (condition->kind != Expression::Kind::Binary || (condition->text != "==" && condition->text != "!=")) {
    return;
  }
  const auto compared = part_of(*condition->children[0], field);
  const auto value = print::evaluate(*condition->children[1]);
  const Expression* equal = condition->text == "==" ? yes : no;
  if (compared && compared->is_whole() && !compared->one_hot && value && is_text(*equal)) {
    names.symbols.emplace(*value, text_of(*equal));
  }
}

/// Calls `visit` for every choice in `expression`, outer ones first.
template <class Visit>
void walk_choices(const Expression& expression, const Visit& visit) {
  if (expression.kind == Expression::Kind::Conditional) {
    visit(expression);
  }
  for (const auto& child : expression.children) {
    walk_choices(*child, visit);
  }
}

/// `REC->state & MASK ? __print_flags(…) : "R"` names the state without flags.
void add_zero_name(const Expression& choice, std::string_view field, const Part& part, FieldNames& names) {
  const Expression& yes = *choice.children[1];
  if (part_of(*choice.children[0], field) == part && yes.kind == Expression::Kind::Call &&
      yes.text.starts_with("__print_flags") && is_text(*choice.children[2])) {
    names.symbols.emplace(0, text_of(*choice.children[2]));
  }
}

}  // namespace

FieldNames names_of(const Format& format, std::string_view field) {
  FieldNames names;
  const std::string reference = "REC->" + std::string(field);
  if (format.print_format.size() > kMaxText || format.print_format.find(reference) == std::string::npos) {
    return names;
  }
  const auto tokens = print::tokenize(format.print_format);
  const auto tables = tables_of(tokens, field);
  const Table* symbols = unique_table(tables, false);
  const Table* flags = unique_table(tables, true);
  if (symbols != nullptr && flags != nullptr && symbols->part != flags->part) {
    flags = nullptr;
  }
  if (const Table* chosen = symbols != nullptr ? symbols : flags) {
    names.shift = chosen->part.shift;
    names.mask = chosen->part.mask;
  }
  if (symbols != nullptr) {
    add_symbols(*symbols, names);
  }
  if (flags != nullptr && (symbols == nullptr || names.unresolved.empty())) {
    add_flags(*flags, names);
  }
  for (const auto& argument : print::split_arguments(tokens)) {
    const auto expression = print::parse(argument);
    if (!expression) {
      continue;
    }
    walk_choices(*expression, [&](const Expression& choice) {
      if (flags != nullptr) {
        add_zero_name(choice, field, flags->part, names);
      } else if (tables.empty()) {
        add_choice(choice, field, names);
      }
    });
  }
  return names;
}

FieldNames resolve_names(FieldNames names, const Btf* btf) {
  if (btf == nullptr) {
    return names;
  }
  const print::Resolver resolver = [btf](const std::string& name) { return btf->enumerator(name); };
  std::vector<std::pair<std::string, std::string>> left;
  for (auto& [text, name] : names.unresolved) {
    const auto expression = print::parse(print::tokenize(text));
    const auto value = expression ? print::evaluate(*expression, resolver) : std::nullopt;
    if (!value) {
      left.emplace_back(std::move(text), std::move(name));
    } else if (names.unresolved_flags && *value != 0) {
      names.flags.emplace_back(*value, std::move(name));
    } else {
      names.symbols.emplace(*value, std::move(name));
    }
  }
  names.unresolved = std::move(left);
  return names;
}

}  // namespace tpx::kernel
