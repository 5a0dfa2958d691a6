#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "exposition/chunk_sink.h"

namespace tpx::test {

/// Keeps what it is given; refuses everything after `refuse_after` pieces.
class CollectingSink : public exposition::ChunkSink {
 public:
  bool write(std::string_view piece) override {
    if (pieces >= refuse_after) {
      ++refused;
      return false;
    }
    ++pieces;
    largest = piece.size() > largest ? piece.size() : largest;
    text += piece;
    return true;
  }

  std::string text;
  std::size_t pieces = 0;
  std::size_t largest = 0;
  std::size_t refused = 0;
  std::size_t refuse_after = std::numeric_limits<std::size_t>::max();
};

}  // namespace tpx::test
