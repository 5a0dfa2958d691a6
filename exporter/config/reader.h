#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/source_text.h"
#include "config/yaml.h"

namespace tpx::config {

/// The entries of a map whose keys are known beforehand.
class Fields {
 public:
  /// The value of `key`, or null when it is not there or was refused.
  [[nodiscard]] const yaml::Node* find(std::string_view key) const;
  /// Whether `key` is written at all, well or not; misspelt also counts.
  [[nodiscard]] bool has(std::string_view key) const { return values_.find(key) != values_.end(); }
  /// The node of the key itself.
  [[nodiscard]] const yaml::Node* key(std::string_view key) const;

 private:
  friend class Reader;
  struct Entry {
    const yaml::Node* key = nullptr;
    const yaml::Node* value = nullptr;
  };
  std::map<std::string, Entry, std::less<>> values_;
};

/// Reads typed values out of the nodes of one file and collects what is wrong with them. When a function that returns an
/// optional returns none, errors() has grown.
class Reader {
 public:
  Reader(const std::string& path, const std::string& text, Errors& errors)
      : path_(path), source_(text), errors_(errors) {}

  void error(const yaml::Node& node, std::string message, std::string hint = {});
  void add(Error error) { errors_.push_back(std::move(error)); }
  /// How much was wrong so far, with what the YAML parser has reported already.
  [[nodiscard]] std::size_t errors() const { return errors_.size() + invalid_; }
  [[nodiscard]] SourceLocation at(const yaml::Node& node) const { return {path_, node.line, node.column}; }

  /// A map with any of `keys`, each once; `what` names it in messages. A key without a value is an error, or is as if it were
  /// not there when `optional` says so.
  std::optional<Fields> fields(const yaml::Node& node, std::string_view what, const std::vector<std::string>& keys,
                               bool optional = false);
  /// A map with any keys, each once, in the order of the file. Entries that are wrong are reported and left out.
  std::optional<std::vector<std::pair<Text, const yaml::Node*>>> entries(const yaml::Node& node, std::string_view what);
  /// The items of a list; a single scalar is a list of one when `single` says so.
  std::optional<std::vector<const yaml::Node*>> list(const yaml::Node& node, std::string_view what,
                                                     bool single = false);

  /// A scalar, also an empty one.
  std::optional<std::string> string(const yaml::Node& node, std::string_view what);
  /// A scalar that is not empty.
  std::optional<Text> text(const yaml::Node& node, std::string_view what);
  /// Like text(), for one that is not written: none, without an error.
  std::optional<Text> optional_text(const Fields& fields, std::string_view key);
  /// Like text(); one that is not written is an error at `owner`.
  std::optional<Text> required_text(const Fields& fields, std::string_view key, const yaml::Node& owner,
                                    std::string_view what);
  /// A scalar that is an expression. An error in its syntax names the metric that it belongs to.
  std::optional<Expression> expression(const yaml::Node& node, std::string_view what);
  std::optional<Expression> optional_expression(const Fields& fields, std::string_view key);
  /// The metric whose expressions follow; empty when it has no name.
  void set_metric(std::string name) { metric_ = std::move(name); }
  std::optional<double> number(const yaml::Node& node, std::string_view what);
  std::optional<std::uint32_t> integer(const yaml::Node& node, std::string_view what, std::uint32_t low,
                                       std::uint32_t high);

 private:
  // Both report when YAML ended a value before its author did.
  bool cut_at_comma(const yaml::Node& value);
  bool cut_at_comment(const yaml::Node& value);
  void wrong_kind(const yaml::Node& node, std::string_view what, std::string_view wanted);

  const std::string& path_;
  SourceText source_;
  Errors& errors_;
  std::string metric_;
  std::size_t invalid_ = 0;  // nodes met that the parser has reported
};

}  // namespace tpx::config
