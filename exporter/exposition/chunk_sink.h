#pragma once

#include <string_view>

namespace tpx::exposition {

/// Where a rendered page goes, piece by piece: a socket, a compressor, a string. Used by one thread at a time.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  /// Takes the next piece, which is only valid during the call. False: nobody wants more (a client that hung up); what
  /// produces the page should stop.
  [[nodiscard]] virtual bool write(std::string_view piece) = 0;
};

}  // namespace tpx::exposition
