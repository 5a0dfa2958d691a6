#include <algorithm>
#include <tuple>
#include <utility>

#include "base/byte_size.h"
#include "config/config.h"
#include "config/metric_reader.h"
#include "config/names.h"
#include "config/reader.h"
#include "config/yaml.h"

namespace tpx::config {
namespace {

using yaml::Node;

// Nobody reads more than these, and a file of garbage could give one a line.
constexpr std::size_t kMostErrors = 100;

void in_order(Errors& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
    const SourceLocation& left = a.location.value_or(SourceLocation{});
    const SourceLocation& right = b.location.value_or(SourceLocation{});
    return std::tie(left.line, left.column) < std::tie(right.line, right.column);
  });
  if (errors.size() > kMostErrors) {
    const std::size_t more = errors.size() - kMostErrors;
    errors.resize(kMostErrors);
    errors.push_back(Error{"and " + std::to_string(more) + " more errors", {}, errors.back().location});
  }
}

void read_namespace(Reader& reader, const Node& node, std::string& name_space) {
  if (node.kind == Node::Kind::Scalar && node.text.empty()) {
    name_space.clear();
    return;
  }
  const auto text = reader.text(node, "namespace");
  if (!text) {
    return;
  }
  if (!is_metric_name(text->value)) {
    reader.error(node, "namespace " + in_quotes(text->value) + " is not made of letters, digits and _");
    return;
  }
  name_space = text->value;
}

void read_max_bytes(Reader& reader, const Node& node, std::optional<std::uint64_t>& bytes) {
  if (const auto text = reader.text(node, "max_bytes")) {
    bytes = parse_byte_size(text->value);
    if (!bytes) {
      reader.error(node, "max_bytes is not a number of bytes: " + in_quotes(text->value),
                   "write it like 64MiB or 1GiB");
    }
  }
}

void read_file(Reader& reader, const Node& root, Config::File& file) {
  if (root.kind == Node::Kind::Sequence) {
    reader.error(root, "the file must be a map, this is a list", "write `metrics:` above it");
    return;
  }
  const auto fields = reader.fields(root, "the file", {"namespace", "max_bytes", "metrics", "programs"});
  if (!fields) {
    return;
  }
  if (const Node* name_space = fields->find("namespace")) {
    read_namespace(reader, *name_space, file.name_space);
  }
  if (const Node* bytes = fields->find("max_bytes")) {
    read_max_bytes(reader, *bytes, file.max_bytes);
  }
  if (!fields->has("metrics") && !fields->has("programs")) {
    reader.error(root, "the file has neither metrics nor programs", "add `metrics:`");
  }
  ExposedNames names;
  const auto taken = [&](const auto& metric) {
    auto problem = names.add(file.name_space, metric.name, metric.type);
    if (problem) {
      reader.add(std::move(*problem));
    }
    return problem.has_value();
  };
  if (const Node* metrics = fields->find("metrics"); metrics != nullptr && metrics->kind == Node::Kind::Map) {
    reader.error(*metrics, "metrics must be a list, this is a map", "begin each metric with `- name:`");
  } else if (metrics != nullptr) {
    for (const Node* item : reader.list(*metrics, "metrics").value_or(std::vector<const Node*>())) {
      read_metric(reader, *item, file);
    }
    set_aside(file.metrics, file.incomplete, taken);
  }
  if (const Node* programs = fields->find("programs")) {
    for (const Node* item : reader.list(*programs, "programs").value_or(std::vector<const Node*>())) {
      if (auto object = read_object(reader, *item)) {
        set_aside(object->metrics, object->incomplete, taken);
        file.objects.push_back(std::move(*object));
      }
    }
  }
}

}  // namespace

std::optional<std::uint64_t> Config::max_bytes() const {
  std::optional<std::uint64_t> least;
  for (const File& file : files) {
    if (file.max_bytes && (!least || *file.max_bytes < *least)) {
      least = file.max_bytes;
    }
  }
  return least;
}

std::string full_name(const std::string& name_space, const std::string& name) {
  return name_space.empty() ? name : name_space + '_' + name;
}

Result<Expression> parse_expression(std::string text, SourceLocation at) {
  auto node = expression::parse(text, at);
  if (!node) {
    return fail(std::move(node.error()).at(at));
  }
  return Expression{std::move(text), std::move(*node), std::move(at)};
}

Loaded parse(const std::string& path, const std::string& text) {
  Loaded loaded;
  Config::File& file = loaded.config.files.emplace_back();
  file.path = path;
  file.text = text;
  const yaml::NodePtr root = yaml::read(path, text, loaded.errors);
  if (root) {
    Reader reader(path, text, loaded.errors);
    read_file(reader, *root, file);
  } else if (loaded.errors.empty()) {
    loaded.errors.push_back(Error{"the file is empty", "add `metrics:`", SourceLocation{path, 1, 1}});
  }
  in_order(loaded.errors);
  return loaded;
}

}  // namespace tpx::config
