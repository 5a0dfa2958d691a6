#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tpx {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Words longer than this are no misspelling of anything, and the distance costs the product of the lengths.
constexpr std::size_t kLongestWord = 256;

// Optimal string alignment: insertion, deletion, substitution and the swap of neighbours cost one each. Case is free.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool equal = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (equal ? 0U : 1U)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// How many edits still look like a slip: a third of the longer word, as compilers do it.
std::size_t cutoff(std::size_t a, std::size_t b) {
  const std::size_t longer = std::max(a, b);
  const std::size_t shorter = std::min(a, b);
  if (longer <= 1) {
    return 0;
  }
  if (longer - shorter <= 1) {
    return std::max<std::size_t>(longer / 3, 1);
  }
  return (longer + 2) / 3;
}

struct Lead {
  std::size_t continuations = 0;  // 0: not a lead byte of a longer sequence
  std::uint8_t low = 0x80;        // the range of the first continuation, narrower where overlong forms, surrogates
  std::uint8_t high = 0xBF;       // and values above U+10FFFF would begin
};

// Table 3-7 of the Unicode standard.
Lead lead_of(std::uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) {
    return {1};
  }
  if (byte >= 0xE0 && byte <= 0xEF) {
    return {2, static_cast<std::uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<std::uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    return {3, static_cast<std::uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
            static_cast<std::uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
  }
  return {};
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*', and where its run ends so far
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

bool is_glob(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates, std::size_t most) {
  if (word.size() > kLongestWord) {
    return {};
  }
  std::vector<std::pair<std::size_t, const std::string*>> found;
  for (const std::string& candidate : candidates) {
    const std::size_t limit = cutoff(word.size(), candidate.size());
    const std::size_t difference = std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
    if (candidate.size() > kLongestWord || difference > limit) {
      continue;
    }
    if (const std::size_t distance = edit_distance(word, candidate); distance <= limit) {
      found.emplace_back(distance, &candidate);
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [distance, name] : found) {
    if (names.size() == most) {
      break;
    }
    if (std::find(names.begin(), names.end(), *name) == names.end()) {
      names.push_back(*name);
    }
  }
  return names;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::size_t most) {
  const std::vector<std::string> names = nearest(word, candidates, most);
  if (names.empty()) {
    return {};
  }
  std::string text = "did you mean ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) {
      text += i + 1 == names.size() ? " or " : ", ";
    }
    text += '"' + names[i] + '"';
  }
  return text + '?';
}

std::string to_utf8(std::string_view bytes) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string text;
  text.reserve(bytes.size());
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto first = static_cast<std::uint8_t>(bytes[i]);
    if (first < 0x80) {
      text += bytes[i++];
      continue;
    }
    const Lead lead = lead_of(first);
    std::size_t taken = 1;
    while (taken <= lead.continuations && i + taken < bytes.size()) {
      const auto next = static_cast<std::uint8_t>(bytes[i + taken]);
      if (next < (taken == 1 ? lead.low : 0x80) || next > (taken == 1 ? lead.high : 0xBF)) {
        break;
      }
      ++taken;
    }
    if (lead.continuations > 0 && taken == lead.continuations + 1) {
      text += bytes.substr(i, taken);
    } else {
      text += kReplacement;
    }
    i += taken;
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return pieces;
    }
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace tpx
