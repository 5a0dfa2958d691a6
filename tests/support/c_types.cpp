#include "support/c_types.h"

#include <bpf/btf.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace tpx::test {

namespace {

constexpr CInteger kPointer{8, false};

/// `unsigned long`, `long long int`: the words of C alone (LP64); nothing where there is another word.
std::optional<CInteger> from_words(const std::vector<std::string>& words) {
  const auto count = [&](const char* word) { return std::count(words.begin(), words.end(), word); };
  const auto known = count("unsigned") + count("signed") + count("long") + count("int") + count("short") +
                     count("char") + count("bool") + count("_Bool");
  if (words.empty() || known != static_cast<std::ptrdiff_t>(words.size())) {
    return {};
  }
  const bool is_bool = count("bool") + count("_Bool") > 0;
  const std::uint32_t size = count("long") > 0 ? 8 : count("short") > 0 ? 2 : count("char") > 0 || is_bool ? 1 : 4;
  return CInteger{size, count("unsigned") == 0 && !is_bool};
}

}  // namespace

CTypes::CTypes(const std::string& btf_file) : btf_(btf__parse(btf_file.c_str(), nullptr), btf__free) {
  if (!btf_) {
    throw std::runtime_error("no BTF in " + btf_file);
  }
}

CInteger CTypes::scalar(const std::string& declared) const {
  if (declared.find('*') != std::string::npos) {
    return kPointer;
  }
  std::istringstream stream(declared);
  std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
  std::erase_if(words, [](const std::string& word) { return word == "const" || word == "volatile"; });
  if (const auto plain = from_words(words)) {
    return *plain;
  }
  const bool is_enum = words.size() == 2 && words.front() == "enum";
  const __s32 id = btf__find_by_name_kind(btf_.get(), words.back().c_str(), is_enum ? BTF_KIND_ENUM : BTF_KIND_TYPEDEF);
  const btf_type* type = id < 0 ? nullptr : btf__type_by_id(btf_.get(), static_cast<__u32>(id));
  while (type != nullptr && (btf_is_typedef(type) || btf_is_mod(type))) {
    type = btf__type_by_id(btf_.get(), type->type);
  }
  if (type != nullptr && btf_is_ptr(type)) {
    return kPointer;
  }
  if (type != nullptr && btf_is_any_enum(type)) {
    return {type->size, btf_kflag(type)};
  }
  if (type != nullptr && btf_is_int(type)) {
    return {type->size, (btf_int_encoding(type) & BTF_INT_SIGNED) != 0};
  }
  throw std::runtime_error("no scalar type: " + declared);
}

}  // namespace tpx::test
