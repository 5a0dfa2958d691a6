#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "base/text.h"
#include "config/source_text.h"

namespace tpx::config::yaml {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 200'000;
constexpr const char* kQuote = "if it is an expression, put it in single quotes";

/// Ends a parse from inside of a callback; caught in read().
class Refused : public std::exception {
 public:
  explicit Refused(Error error) : error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

// Builds the tree from yaml-cpp's events. Its own Node type has neither duplicates' places nor tags as written.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& path, const SourceText& source, Errors& errors)
      : path_(path), source_(source), errors_(errors) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) {
      const SourceLocation at = where(mark);
      const bool separated = source_.line(at.line).starts_with("---") || source_.line(at.line - 1).starts_with("---");
      throw Refused(separated ? Error{"only one YAML document is read", "split the file", at}
                              : Error{"this belongs to nothing above it", "check the indentation", at});
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = fresh(Node::Kind::Null, mark);
    if (anchor != YAML::NullAnchor) {
      refuse(*node, mark, "anchor");
    }
    done(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refused(Error{"an alias inside of what it names", {}, where(mark)});
    }
    count(found->second.weight, mark);
    add(found->second.node);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = fresh(Node::Kind::Scalar, mark);
    node->text = value;
    place(*node);
    check_tag(*node, mark, tag);
    if (node->kind == Node::Kind::Scalar && value.find('\0') != std::string::npos) {
      errors_.push_back(Error{"a NUL character in a text", {}, where(mark)});
      node->kind = Node::Kind::Invalid;
    }
    done(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::Kind::Sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::Kind::Map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] NodePtr root() const { return root_; }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    NodePtr key;  // of a map, while its value is awaited
    std::size_t nodes_before = 0;
  };
  struct Anchored {
    NodePtr node;
    std::size_t weight = 1;
  };

  [[nodiscard]] SourceLocation where(const YAML::Mark& mark) const {
    return {path_, static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
  }

  std::shared_ptr<Node> fresh(Node::Kind kind, const YAML::Mark& mark) {
    count(1, mark);
    auto node = std::make_shared<Node>();
    node->kind = kind;
    const SourceLocation at = where(mark);
    node->line = at.line;
    node->column = at.column;
    node->in_flow = !stack_.empty() && stack_.back().node->in_flow;
    return node;
  }

  // Aliases count as if they were written out, which keeps whoever walks the tree from walking it for ever.
  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) {
      throw Refused(Error{"more than " + std::to_string(kMaxNodes) + " YAML values", "split the file", where(mark)});
    }
  }

  // From the mark, where an anchor may stand, to where the scalar's text begins.
  void place(Node& node) const {
    std::string_view rest = source_.rest(node.line, node.column);
    if (rest.starts_with('&')) {
      const std::size_t text = rest.find_first_not_of(' ', std::min(rest.find(' '), rest.size()));
      node.column += static_cast<std::uint32_t>(text == std::string_view::npos ? 0 : text);
      rest = source_.rest(node.line, node.column);
    }
    node.plain = rest.empty() || std::string_view("\"'|>").find(rest.front()) == std::string_view::npos;
    if (rest.starts_with('"') || rest.starts_with('\'')) {
      ++node.column;
    } else if (!node.plain) {  // a block scalar: its text begins on a line below
      for (std::uint32_t line = node.line + 1; line <= source_.lines(); ++line) {
        const std::size_t text = source_.line(line).find_first_not_of(" \t");
        if (text != std::string_view::npos) {
          node.line = line;
          node.column = static_cast<std::uint32_t>(text + 1);
          break;
        }
      }
    }
  }

  void check_tag(Node& node, const YAML::Mark& mark, const std::string& tag) {
    // Quoted scalars come with the tag "!" of their own; on a plain one somebody wrote it.
    const bool ordinary = tag.empty() || tag == "?" || (tag == "!" && !node.plain);
    if (!ordinary) {
      refuse(node, mark, "tag");
    }
  }

  void refuse(Node& node, const YAML::Mark& mark, const char* what) {
    const SourceLocation at = where(mark);
    const std::string_view rest = source_.rest(at.line, at.column);
    const std::string_view word = rest.substr(0, rest.find_first_of(" ,}]"));
    errors_.push_back(
        Error{"YAML takes " + in_quotes(word) + " for " + (*what == 'a' ? "an " : "a ") + what, kQuote, at});
    node.kind = Node::Kind::Invalid;
    node.text.clear();
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (stack_.size() >= kMaxDepth) {
      throw Refused(Error{"nested deeper than " + std::to_string(kMaxDepth) + " levels", {}, where(mark)});
    }
    const std::size_t before = nodes_;
    auto node = fresh(kind, mark);
    node->in_flow = node->in_flow || style == YAML::EmitterStyle::Flow;
    check_tag(*node, mark, tag);
    stack_.push_back({std::move(node), anchor, nullptr, before});
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    done(std::move(frame.node), frame.anchor, nodes_ - frame.nodes_before);
  }

  void done(std::shared_ptr<Node> node, YAML::anchor_t anchor, std::size_t weight = 1) {
    NodePtr finished = std::move(node);
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = {finished, weight};
    }
    add(std::move(finished));
  }

  void add(NodePtr node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node->kind != Node::Kind::Map) {
      frame.node->items.push_back(std::move(node));
    } else if (!frame.key) {
      frame.key = std::move(node);
    } else {
      frame.node->entries.emplace_back(std::move(frame.key), std::move(node));
      frame.key = nullptr;
    }
  }

  const std::string& path_;
  const SourceText& source_;
  Errors& errors_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  NodePtr root_;
};

// YAML knows no expressions: what it stumbles over in one looks to it like something of its own.
std::string syntax_hint(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const std::string_view value = colon == std::string_view::npos ? std::string_view() : trim(line.substr(colon + 2));
  const std::string_view indentation = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (indentation.find('\t') != std::string_view::npos) {
    return "YAML indents with spaces, not with tabs";
  }
  const bool special = !value.empty() && std::string_view("!*&%@`\"'").find(value.front()) != std::string_view::npos;
  const bool flow = line.find('{') != std::string_view::npos && line.find_first_of(",[(") != std::string_view::npos;
  const bool separators = value.find(": ") != std::string_view::npos || value.find(" #") != std::string_view::npos;
  return special || flow || separators ? kQuote : "";
}

std::optional<Error> check_bytes(const std::string& path, const std::string& text) {
  if (text.size() > kMaxBytes) {
    return Error{path + ": more than " + std::to_string(kMaxBytes) + " bytes", "this is hardly a configuration", {}};
  }
  const std::string valid = to_utf8(text);
  SourceLocation at{path, 1, 1};
  for (std::size_t i = 0; i < text.size(); ++i, ++at.column) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return Error{"a control character (" + std::to_string(byte) + "): this is no text file", {}, at};
    }
    if (i >= valid.size() || valid[i] != text[i]) {
      return Error{"this is not valid UTF-8", "save the file as UTF-8", at};
    }
    if (byte == '\n') {
      ++at.line;
      at.column = 0;
    }
  }
  return std::nullopt;
}

/// Where a call with a comma stands in `line` without quotes, inside of `{`: npos if none does.
std::size_t unquoted_call(std::string_view line) {
  const std::size_t brace = line.find('{');
  for (std::size_t i = brace == std::string_view::npos ? line.size() : brace; i < line.size(); ++i) {
    if (line[i] == '\'' || (line[i] == '"' && line.substr(0, i).find('(') == std::string_view::npos)) {
      i = std::min(line.find(line[i], i + 1), line.size() - 1);
    } else if (line[i] == '(' && line.find(',', i) < line.find(')', i)) {
      const std::size_t begin = line.find_last_of(" {,:", i);
      return begin == std::string_view::npos ? i : begin + 1;
    }
  }
  return std::string_view::npos;
}

Error syntax_error(const std::string& path, const SourceText& source, const YAML::Exception& exception) {
  Error error{"YAML: " + exception.msg};
  if (!exception.mark.is_null()) {
    const auto line = static_cast<std::uint32_t>(std::max(exception.mark.line, 0) + 1);
    error.location = SourceLocation{path, line, static_cast<std::uint32_t>(std::max(exception.mark.column, 0) + 1)};
    for (const std::uint32_t near : {line, line > 1 ? line - 1 : line}) {
      const std::size_t call = unquoted_call(source.line(near));
      if (call != std::string_view::npos) {
        return Error{"inside { } YAML ends a value at its comma", "put the whole expression in single quotes",
                     SourceLocation{path, near, static_cast<std::uint32_t>(call + 1)}};
      }
    }
    error.hint = syntax_hint(source.line(line));
    if (error.hint.empty() && line > 1) {
      error.hint = syntax_hint(source.line(line - 1));
    }
  }
  return error;
}

}  // namespace

NodePtr read(const std::string& path, const std::string& text, Errors& errors) {
  if (auto problem = check_bytes(path, text)) {
    errors.push_back(std::move(*problem));
    return nullptr;
  }
  const SourceText source(text);
  try {
    Builder builder(path, source, errors);
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.root();
  } catch (const Refused& refused) {
    errors.push_back(refused.error());
  } catch (const YAML::Exception& exception) {
    errors.push_back(syntax_error(path, source, exception));
  } catch (const std::exception& exception) {
    errors.push_back(Error{path + ": " + exception.what()});
  }
  return nullptr;
}

}  // namespace tpx::config::yaml
