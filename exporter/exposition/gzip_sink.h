#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "exposition/chunk_sink.h"

namespace tpx::exposition {

/// Compresses what it is given as one gzip member (RFC 1952) on its way to another sink, in pieces of at most 64 KiB;
/// takes some 430 KB while it lives. By ISA-L: a third of zlib's time at the same size for this text; see
/// tests/benchmark. Used by one thread at a time.
class GzipSink : public ChunkSink {
 public:
  explicit GzipSink(ChunkSink& next);
  ~GzipSink() override;
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;

  /// False once `next` has refused a piece.
  [[nodiscard]] bool write(std::string_view piece) override;
  /// Ends the stream; without it, what came out is cut. To be called once, last.
  [[nodiscard]] bool finish();

 private:
  struct State;
  bool compress(std::string_view piece, bool last);

  ChunkSink& next_;
  std::unique_ptr<State> state_;
  bool ok_ = true;
};

}  // namespace tpx::exposition
