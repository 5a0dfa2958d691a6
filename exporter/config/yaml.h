#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tpx::config::yaml {

struct Node;
/// A node may be shared: an alias is the very node that its anchor names.
using NodePtr = std::shared_ptr<const Node>;

/// One node of a document. Map entries keep their order and their duplicates.
struct Node {
  /// Invalid: an error was reported here already; readers skip it.
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map, Invalid };
  Kind kind = Kind::Null;
  bool plain = false;    ///< a scalar without quotes
  bool in_flow = false;  ///< inside of, or itself, a `{…}` or `[…]`
  std::uint32_t line = 0;
  std::uint32_t column = 0;  ///< of a scalar's text, after the opening quote
  std::string text;          ///< Scalar: its text. Invalid, Null: empty
  std::vector<NodePtr> items;
  std::vector<std::pair<NodePtr, NodePtr>> entries;
};

/// The document in `text`, or null when there is none; whatever is wrong is appended to `errors`. A syntax error leaves
/// nothing (null). Bounded: 4 MiB, 64 levels, 200,000 nodes counting each use of an alias. Never throws.
[[nodiscard]] NodePtr read(const std::string& path, const std::string& text, Errors& errors);

/// The longest file that read() takes, in bytes.
inline constexpr std::size_t kMaxBytes = 4U << 20U;

}  // namespace tpx::config::yaml
