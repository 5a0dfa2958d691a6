#include "decode/pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace tpx::decode {
namespace {

constexpr std::size_t kMaxLength = 1024;
constexpr std::uint64_t kMaxStates = 10'000;
constexpr std::string_view kDialect = "patterns are POSIX extended regular expressions";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Walks a pattern once, as far as is needed to refuse what the library would take badly. Its grammar is left to regcomp.
class Scanner {
 public:
  explicit Scanner(std::string_view pattern) : pattern_(pattern) {}

  Result<void> run() {
    while (at_ < pattern_.size()) {
      if (auto step = next(); !step) {
        return step;
      }
      if (total_ > kMaxStates) {
        return fail("its repetitions multiply to more than " + std::to_string(kMaxStates) + " states",
                    "repeat smaller groups, or use * and +");
      }
    }
    return {};
  }

 private:
  Result<void> next() {
    switch (pattern_[at_]) {
      case '\\':
        return escape();
      case '[':
        return bracket();
      case '(':
        if (pattern_.substr(at_).starts_with("(?")) {
          return fail("it has no groups of the form (?…)", std::string(kDialect) + ": write (…)");
        }
        open_.push_back(total_);
        total_ = 0;
        last_ = 0;
        ++at_;
        break;
      case ')':
        close();
        break;
      case '+':
        // The library compiles x+ as xx*.
        repeat(2);
        ++at_;
        break;
      case '*':
      case '?':
        ++at_;
        break;
      case '{':
        interval();
        break;
      default:
        atom(1);
        break;
    }
    return {};
  }

  Result<void> escape() {
    const char escaped = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\\';
    if (is_digit(escaped)) {
      return fail("it has a back-reference, which can take exponential time");
    }
    if (std::isalpha(static_cast<unsigned char>(escaped)) != 0 &&
        std::string_view("wWsSbB").find(escaped) == std::string_view::npos) {
      return fail(std::string("it has no \\") + escaped,
                  std::string(kDialect) + (escaped == 'd' ? ": write [0-9] for \\d" : ""));
    }
    atom(2);
    return {};
  }

  void atom(std::size_t length) {
    last_ = 1;
    total_ += 1;
    at_ = std::min(at_ + length, pattern_.size());
  }

  Result<void> bracket() {
    // A ] that comes first, or first after ^, is a member; [:x:], [.x.] and [=x=] may hold one.
    std::size_t end = at_ + 1;
    end += end < pattern_.size() && pattern_[end] == '^' ? 1U : 0U;
    end += end < pattern_.size() && pattern_[end] == ']' ? 1U : 0U;
    while (end < pattern_.size() && pattern_[end] != ']') {
      const char kind = end + 1 < pattern_.size() ? pattern_[end + 1] : '\0';
      if (pattern_[end] == '[' && (kind == ':' || kind == '.' || kind == '=')) {
        const std::size_t close = pattern_.find(std::string{kind, ']'}, end + 2);
        end = close == std::string_view::npos ? pattern_.size() : close + 2;
        continue;
      }
      if (pattern_[end] == '\\' && std::isalpha(static_cast<unsigned char>(kind)) != 0) {
        return fail(std::string(R"(inside of [] it has no \)") + kind,
                    std::string(kDialect) + ": write [0-9] for \\d, [[:space:]] for \\s, [[:alnum:]_] for \\w");
      }
      ++end;
    }
    atom(end + 1 - at_);
    return {};
  }

  void close() {
    if (!open_.empty()) {
      last_ = total_ + 1;
      total_ = open_.back() + last_;
      open_.pop_back();
    }
    ++at_;
  }

  void repeat(std::uint64_t times) {
    times = std::max<std::uint64_t>(times, 1);
    total_ += last_ * (times - 1);
    last_ *= times;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (; at_ < pattern_.size() && is_digit(pattern_[at_]); ++at_) {
      value = std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(pattern_[at_] - '0'), kMaxStates + 1);
    }
    return value;
  }

  void interval() {
    ++at_;
    std::uint64_t times = number();
    if (at_ < pattern_.size() && pattern_[at_] == ',') {
      ++at_;
      times = std::max(times + 1, number());
    }
    at_ += at_ < pattern_.size() && pattern_[at_] == '}' ? 1U : 0U;
    repeat(times);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::uint64_t total_ = 0;          ///< states since the innermost open group began
  std::uint64_t last_ = 0;           ///< states of what a repetition would repeat
  std::vector<std::uint64_t> open_;  ///< totals outside of the open groups
};

std::string explain(int code, const regex_t& regex) {
  std::array<char, 128> text{};
  ::regerror(code, &regex, text.data(), text.size());
  return text.data();
}

}  // namespace

void Pattern::Free::operator()(regex_t* regex) const {
  ::regfree(regex);
  delete regex;
}

Result<Pattern> Pattern::compile(const std::string& pattern) {
  const std::string context = "the pattern \"" + pattern.substr(0, 80) + "\" is not valid: ";
  if (pattern.size() > kMaxLength) {
    return fail(context + "it is longer than " + std::to_string(kMaxLength) + " bytes");
  }
  if (pattern.find('\0') != std::string::npos) {
    return fail(context + "it holds a NUL");
  }
  if (auto sound = Scanner(pattern).run(); !sound) {
    return fail(std::move(sound.error()).with_context(context));
  }
  auto raw = std::make_unique<regex_t>();
  if (const int code = ::regcomp(raw.get(), pattern.c_str(), REG_EXTENDED); code != 0) {
    return fail(context + explain(code, *raw), std::string(kDialect));
  }
  return Pattern(std::unique_ptr<regex_t, Free>(raw.release()));
}

std::optional<std::string_view> Pattern::match(std::string_view text) const {
  // REG_STARTEND takes the bounds of a text that no NUL need end.
  std::array<regmatch_t, 2> found{};
  found[0].rm_so = 0;
  found[0].rm_eo = static_cast<regoff_t>(text.size());
  const char* start = text.data() == nullptr ? "" : text.data();
  if (::regexec(regex_.get(), start, found.size(), found.data(), REG_STARTEND) != 0) {
    return std::nullopt;
  }
  if (regex_->re_nsub == 0) {
    return text;
  }
  if (found[1].rm_so < 0) {
    return std::string_view();
  }
  return text.substr(static_cast<std::size_t>(found[1].rm_so),
                     static_cast<std::size_t>(found[1].rm_eo - found[1].rm_so));
}

Result<void> check_pattern(const std::string& pattern) {
  auto compiled = Pattern::compile(pattern);
  if (!compiled) {
    return fail(std::move(compiled.error()));
  }
  return {};
}

}  // namespace tpx::decode
