#include "support/exposition_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "base/text.h"

namespace tpx::test {
namespace {

bool is_name(std::string_view text, bool colon) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
  };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::optional<double> number(std::string_view text) {
  if (text == "+Inf" || text == "-Inf") {
    return text[0] == '+' ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  }
  if (text == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (text.empty() || text.find_first_not_of("0123456789+-.e") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string without(std::string_view text, std::string_view suffix) {
  return std::string(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : std::string_view{});
}

/// One page, line by line. Each function returns "" or what is wrong.
class Parser {
 public:
  explicit Parser(bool open_metrics) : open_metrics_(open_metrics) {}

  std::string line(std::string_view text) {
    if (ended_) {
      return "text after # EOF";
    }
    if (text == "# EOF" && open_metrics_) {
      ended_ = true;
      return {};
    }
    if (text.starts_with("# HELP ") || text.starts_with("# TYPE ")) {
      return metadata(text.substr(2, 4), text.substr(7));
    }
    return text.empty() || text[0] == '#' ? "neither metadata nor a sample" : sample(text);
  }

  std::string finish() {
    if (open_metrics_ && !ended_) {
      return "no # EOF";
    }
    return end_family();
  }

  Exposition take() { return std::move(page_); }

 private:
  std::string metadata(std::string_view key, std::string_view rest) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) {
      return "metadata without a text";
    }
    const std::string name(rest.substr(0, space));
    const std::string_view text = rest.substr(space + 1);
    if (!is_name(name, true)) {
      return "not a metric name: " + name;
    }
    if (page_.families.empty() || page_.families.back().name != name) {
      if (std::string wrong = end_family(); !wrong.empty()) {
        return wrong;
      }
      if (!names_.insert(name).second) {
        return "family in two places: " + name;
      }
      page_.families.push_back({name, {}, {}, {}});
      has_help_ = has_type_ = false;
    }
    Family& family = page_.families.back();
    bool& has = key == "HELP" ? has_help_ : has_type_;
    if (std::exchange(has, true)) {
      return std::string(key) + " twice";
    }
    if (!family.samples.empty()) {
      return std::string(key) + " after a sample";
    }
    return key == "HELP" ? help(family, text) : type(family, text);
  }

  std::string help(Family& family, std::string_view text) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"' && open_metrics_) {
        return "unescaped quote in HELP";
      }
      if (text[i] != '\\') {
        family.help += text[i];
        continue;
      }
      const char next = ++i < text.size() ? text[i] : ' ';
      if (next != '\\' && next != 'n' && !(open_metrics_ && next == '"')) {
        return "bad escape in HELP";
      }
      family.help += next == 'n' ? '\n' : next;
    }
    return {};
  }

  std::string type(Family& family, std::string_view text) const {
    static const std::set<std::string_view> kTypes = {"counter", "gauge", "histogram", "summary", "untyped", "unknown"};
    if (!kTypes.contains(text) || text == (open_metrics_ ? "untyped" : "unknown")) {
      return "unknown type " + std::string(text);
    }
    family.type = text;
    return {};
  }

  std::string sample(std::string_view text) {
    Sample sample;
    const std::size_t name_end = std::min(text.find_first_of("{ "), text.size());
    sample.name = text.substr(0, name_end);
    text.remove_prefix(name_end);
    if (!is_name(sample.name, true)) {
      return "not a metric name: " + sample.name;
    }
    if (text.starts_with('{')) {
      text.remove_prefix(1);
      if (std::string wrong = labels(text, sample.labels); !wrong.empty()) {
        return wrong;
      }
    }
    if (!text.starts_with(' ')) {
      return "no space before the value";
    }
    sample.value_text = text.substr(1);
    const std::optional<double> value = number(sample.value_text);
    if (!value) {
      return "not a number: " + sample.value_text;
    }
    sample.value = *value;
    return add(std::move(sample));
  }

  /// Reads from behind '{' to behind '}'.
  static std::string labels(std::string_view& text, Labels& into) {
    while (!text.starts_with('}')) {
      const std::size_t equals = text.find('=');
      if (equals == std::string_view::npos || !is_name(text.substr(0, equals), false)) {
        return "not a label name";
      }
      const std::string name(text.substr(0, equals));
      text.remove_prefix(equals + 1);
      std::string value;
      if (std::string wrong = label_value(text, value); !wrong.empty()) {
        return wrong;
      }
      if (!into.emplace(name, value).second) {
        return "label twice: " + name;
      }
      if (text.starts_with(',')) {
        text.remove_prefix(1);
        if (text.starts_with('}')) {
          return "comma before }";
        }
      } else if (!text.starts_with('}')) {
        return "neither , nor } after a label";
      }
    }
    text.remove_prefix(1);
    return {};
  }

  static std::string label_value(std::string_view& text, std::string& value) {
    if (!text.starts_with('"')) {
      return "label value without quotes";
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        text.remove_prefix(i + 1);
        return {};
      }
      if (text[i] != '\\') {
        value += text[i];
        continue;
      }
      const char next = ++i < text.size() ? text[i] : ' ';
      if (next != '\\' && next != 'n' && next != '"') {
        return "bad escape in a label";
      }
      value += next == 'n' ? '\n' : next;
    }
    return "label value without an end";
  }

  std::string add(Sample sample) {
    if (page_.families.empty() || !belongs(page_.families.back(), sample.name)) {
      return "sample outside of its family: " + sample.name;
    }
    if (!has_help_ || !has_type_) {
      return "sample before HELP and TYPE";
    }
    if (!series_.emplace(sample.name, sample.labels).second) {
      return "series twice: " + sample.name;
    }
    page_.families.back().samples.push_back(std::move(sample));
    return {};
  }

  [[nodiscard]] bool belongs(const Family& family, const std::string& name) const {
    if (family.type == "counter") {
      return name == (open_metrics_ ? family.name + "_total" : family.name);
    }
    if (family.type == "histogram" || family.type == "summary") {
      const std::string buckets = family.type == "histogram" ? "_bucket" : "";
      return name == family.name + buckets || name == family.name + "_sum" || name == family.name + "_count";
    }
    return name == family.name;
  }

  std::string end_family() {
    if (page_.families.empty()) {
      return {};
    }
    const Family& family = page_.families.back();
    if (!has_help_ || !has_type_) {
      return "family without HELP or TYPE: " + family.name;
    }
    return family.type == "histogram" ? histogram(family) : std::string{};
  }

  static std::string histogram(const Family& family) {
    struct Last {
      double bound = -std::numeric_limits<double>::infinity();
      double count = 0;
      bool any = false;
    };
    std::map<Labels, Last> last;
    for (const Sample& sample : family.samples) {
      if (without(sample.name, "_bucket").empty()) {
        continue;
      }
      Labels labels = sample.labels;
      const std::optional<double> bound = number(labels["le"]);
      labels.erase("le");
      Last& before = last[labels];
      if (!bound || (before.any && *bound <= before.bound)) {
        return "buckets out of order: " + family.name;
      }
      if (sample.value < before.count) {
        return "buckets fall: " + family.name;
      }
      before = {*bound, sample.value, true};
    }
    for (const auto& [labels, end] : last) {
      if (end.bound != std::numeric_limits<double>::infinity()) {
        return "no +Inf bucket: " + family.name;
      }
    }
    for (const Sample& sample : family.samples) {
      const bool is_count = !without(sample.name, "_count").empty();
      if (is_count && (!last.contains(sample.labels) || last[sample.labels].count != sample.value)) {
        return "_count is not the +Inf bucket: " + family.name;
      }
    }
    return {};
  }

  bool open_metrics_;
  bool ended_ = false;
  bool has_help_ = false;
  bool has_type_ = false;
  Exposition page_;
  std::set<std::string> names_;
  std::set<std::pair<std::string, Labels>> series_;
};

}  // namespace

const Family* Exposition::find(std::string_view family) const {
  const auto found =
      std::find_if(families.begin(), families.end(), [&](const Family& each) { return each.name == family; });
  return found == families.end() ? nullptr : &*found;
}

std::optional<double> Exposition::value(std::string_view sample, const Labels& labels) const {
  for (const Family& family : families) {
    for (const Sample& each : family.samples) {
      if (each.name == sample && each.labels == labels) {
        return each.value;
      }
    }
  }
  return std::nullopt;
}

double Exposition::sum(std::string_view sample, const Labels& labels) const {
  double total = 0;
  for (const Family& family : families) {
    for (const Sample& each : family.samples) {
      const bool matches = each.name == sample && std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
                             const auto found = each.labels.find(label.first);
                             return found != each.labels.end() && found->second == label.second;
                           });
      total += matches ? each.value : 0;
    }
  }
  return total;
}

Result<Exposition> parse_exposition(std::string_view page, bool open_metrics) {
  if (to_utf8(page) != page) {
    return fail("not valid UTF-8");
  }
  if (!page.empty() && !page.ends_with('\n')) {
    return fail("the last line has no end");
  }
  Parser parser(open_metrics);
  std::size_t line_number = 0;
  while (!page.empty()) {
    const std::size_t end = page.find('\n');
    ++line_number;
    if (std::string wrong = parser.line(page.substr(0, end)); !wrong.empty()) {
      return fail("line " + std::to_string(line_number) + ": " + wrong);
    }
    page.remove_prefix(end + 1);
  }
  if (std::string wrong = parser.finish(); !wrong.empty()) {
    return fail(wrong);
  }
  return parser.take();
}

}  // namespace tpx::test
