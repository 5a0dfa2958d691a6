#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "base/words.h"

namespace tpx::config {
namespace {

using yaml::Node;

std::string_view kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Scalar:
      return "text";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Null:
    case Node::Kind::Invalid:
      break;
  }
  return "nothing";
}

// Whether a bracket or a double quote is open at the end of `text`.
bool unbalanced(std::string_view text) {
  int open = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      open += (c == '(' || c == '[') ? 1 : 0;
      open -= (c == ')' || c == ']') ? 1 : 0;
    }
  }
  return in_string || open > 0;
}

}  // namespace

const Node* Fields::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : found->second.value;
}

const Node* Fields::key(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : found->second.key;
}

void Reader::error(const Node& node, std::string message, std::string hint) {
  errors_.push_back(Error{std::move(message), std::move(hint), at(node)});
}

void Reader::wrong_kind(const Node& node, std::string_view what, std::string_view wanted) {
  if (node.kind == Node::Kind::Invalid) {
    ++invalid_;
    return;
  }
  error(node, std::string(what) + " must be " + std::string(wanted) + ", this is " + std::string(kind_name(node.kind)));
}

bool Reader::cut_at_comma(const Node& value) {
  if (value.kind != Node::Kind::Scalar || !value.plain || !value.in_flow || !unbalanced(value.text)) {
    return false;
  }
  error(value, "inside { } YAML ends this value at its comma or bracket: " + in_quotes(value.text),
        "put the whole expression in single quotes");
  return true;
}

bool Reader::cut_at_comment(const Node& value) {
  if (value.kind != Node::Kind::Scalar || !value.plain || value.in_flow || !unbalanced(value.text) ||
      source_.rest(value.line, value.column).find(" #") == std::string_view::npos) {
    return false;
  }
  error(value, "YAML ends this value at ` #`, where a comment starts: " + in_quotes(value.text),
        "put the whole expression in single quotes");
  return true;
}

std::optional<std::vector<std::pair<Text, const Node*>>> Reader::entries(const Node& node, std::string_view what) {
  if (node.kind != Node::Kind::Map) {
    wrong_kind(node, what, "a map");
    return std::nullopt;
  }
  std::vector<std::pair<Text, const Node*>> found;
  std::map<std::string, std::uint32_t, std::less<>> lines;
  bool cut = false;
  for (const auto& [key, value] : node.entries) {
    // The pieces behind a cut come as keys without a value: one message is enough for them.
    if (cut && value->kind == Node::Kind::Null) {
      continue;
    }
    if (key->kind != Node::Kind::Scalar) {
      wrong_kind(*key, "a key", "text");
      continue;
    }
    if (const auto [first, added] = lines.emplace(key->text, key->line); !added) {
      error(*key, "key " + in_quotes(key->text) + " is here twice",
            "the first is on line " + std::to_string(first->second));
      continue;
    }
    if (value->in_flow && cut_at_comma(*value)) {
      cut = true;
      continue;
    }
    if (cut_at_comment(*value)) {
      continue;
    }
    found.emplace_back(Text{key->text, at(*key)}, value.get());
  }
  return found;
}

std::optional<Fields> Reader::fields(const Node& node, std::string_view what, const std::vector<std::string>& keys,
                                     bool optional) {
  const auto found = entries(node, what);
  if (!found) {
    return std::nullopt;
  }
  Fields fields;
  for (const auto& [key, value] : node.entries) {
    if (key->kind == Node::Kind::Scalar) {
      fields.values_.emplace(key->text, Fields::Entry{key.get(), nullptr});
    }
  }
  for (const auto& [key, value] : *found) {
    const Fields::Entry& entry = fields.values_.at(key.value);
    if (std::find(keys.begin(), keys.end(), key.value) == keys.end()) {
      // A misspelt key is not also a missing one.
      if (const auto near = nearest(key.value, keys, 1); !near.empty()) {
        fields.values_.emplace(near.front(), Fields::Entry{entry.key, nullptr});
      }
      std::string hint = did_you_mean(key.value, keys);
      if (hint.empty()) {
        hint = "it may have " + joined(keys);
      }
      error(*entry.key, std::string(what) + " has no key " + in_quotes(key.value), std::move(hint));
    } else if (value->kind == Node::Kind::Null) {
      if (!optional) {
        error(*entry.key, key.value + " has no value");
      }
    } else if (value->kind == Node::Kind::Invalid) {
      ++invalid_;
    } else {
      fields.values_.at(key.value).value = value;
    }
  }
  return fields;
}

std::optional<std::vector<const Node*>> Reader::list(const Node& node, std::string_view what, bool single) {
  std::vector<const Node*> items;
  if (single && node.kind == Node::Kind::Scalar) {
    items.push_back(&node);
    return items;
  }
  if (node.kind != Node::Kind::Sequence) {
    wrong_kind(node, what, single ? "text or a list" : "a list");
    return std::nullopt;
  }
  for (const yaml::NodePtr& item : node.items) {
    items.push_back(item.get());
  }
  return items;
}

std::optional<std::string> Reader::string(const Node& node, std::string_view what) {
  if (node.kind != Node::Kind::Scalar) {
    wrong_kind(node, what, "text");
    return std::nullopt;
  }
  return node.text;
}

std::optional<Text> Reader::text(const Node& node, std::string_view what) {
  if (!string(node, what)) {
    return std::nullopt;
  }
  if (trim(node.text).empty()) {
    error(node, std::string(what) + " is empty");
    return std::nullopt;
  }
  return Text{node.text, at(node)};
}

std::optional<Text> Reader::optional_text(const Fields& fields, std::string_view key) {
  const Node* node = fields.find(key);
  return node == nullptr ? std::nullopt : text(*node, key);
}

std::optional<Text> Reader::required_text(const Fields& fields, std::string_view key, const Node& owner,
                                          std::string_view what) {
  if (!fields.has(key)) {
    error(owner, std::string(what) + " has no " + std::string(key), "add `" + std::string(key) + ":`");
  }
  return optional_text(fields, key);
}

std::optional<Expression> Reader::expression(const Node& node, std::string_view what) {
  auto written = text(node, what);
  if (!written) {
    return std::nullopt;
  }
  auto parsed = parse_expression(std::move(written->value), std::move(written->at));
  if (!parsed) {
    add(std::move(parsed.error()).with_context(metric_.empty() ? "" : "metric " + in_quotes(metric_) + ": "));
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::optional<Expression> Reader::optional_expression(const Fields& fields, std::string_view key) {
  const Node* node = fields.find(key);
  return node == nullptr ? std::nullopt : expression(*node, key);
}

std::optional<double> Reader::number(const Node& node, std::string_view what) {
  if (node.kind != Node::Kind::Scalar) {
    wrong_kind(node, what, "a number");
    return std::nullopt;
  }
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, failure] = std::from_chars(node.text.data(), end, value);
  if (failure == std::errc::result_out_of_range) {
    error(node, std::string(what) + " " + in_quotes(node.text) + " is out of range");
    return std::nullopt;
  }
  if (failure != std::errc{} || rest != end || !std::isfinite(value)) {
    error(node, std::string(what) + " must be a finite number, this is " + in_quotes(node.text));
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint32_t> Reader::integer(const Node& node, std::string_view what, std::uint32_t low,
                                             std::uint32_t high) {
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (node.kind != Node::Kind::Scalar) {
    wrong_kind(node, what, range);
    return std::nullopt;
  }
  std::uint32_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, failure] = std::from_chars(node.text.data(), end, value);
  if (failure != std::errc{} || rest != end || value < low || value > high) {
    error(node, std::string(what) + " must be " + range + ", this is " + in_quotes(node.text));
    return std::nullopt;
  }
  return value;
}

}  // namespace tpx::config
