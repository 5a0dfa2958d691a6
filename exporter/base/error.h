#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tpx {

/// A place in a configuration file. Lines and columns count from 1; columns count bytes.
struct SourceLocation {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};

/// What went wrong, for a person: `message` says what, `hint` what to do next (may be empty), `location` where in
/// the configuration, `os_error` the errno behind it. A plain value; no thread-safety concerns.
struct Error {
  std::string message;
  std::string hint = {};
  std::optional<SourceLocation> location = {};
  std::optional<int> os_error = {};
  bool by_verifier = false;  ///< the kernel's verifier refused a program

  /// The same error with `prefix` before its message, for callers that know the context.
  [[nodiscard]] Error with_context(std::string_view prefix) && {
    message.insert(0, prefix);
    return std::move(*this);
  }
  /// The same error at `where`, unless it already has a location.
  [[nodiscard]] Error at(const SourceLocation& where) && {
    if (!location) {
      location = where;
    }
    return std::move(*this);
  }
};

template <class T>
using Result = tl::expected<T, Error>;

/// Every problem found in one pass; configuration errors are all reported at once.
using Errors = std::vector<Error>;

/// `return fail("message", "hint");` from a function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{std::move(message), std::move(hint)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// `message: strerror(code)`, carrying the errno.
[[nodiscard]] Error os_failure(std::string message, int code, std::string hint = {});

}  // namespace tpx
