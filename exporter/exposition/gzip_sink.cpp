#include "exposition/gzip_sink.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

namespace tpx::exposition {

struct GzipSink::State {
  isal_zstream stream;
  std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> level_buffer;
  std::array<std::uint8_t, std::size_t{64} * 1024> output;
};

GzipSink::GzipSink(ChunkSink& next) : next_(next), state_(new State) {
  isal_deflate_init(&state_->stream);
  state_->stream.level = 1;
  state_->stream.level_buf = state_->level_buffer.data();
  state_->stream.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer.size());
  state_->stream.gzip_flag = IGZIP_GZIP;
  state_->stream.flush = NO_FLUSH;
}

GzipSink::~GzipSink() = default;

bool GzipSink::write(std::string_view piece) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  while (ok_ && !piece.empty()) {
    const std::size_t size = std::min(piece.size(), kMost);
    ok_ = compress(piece.substr(0, size), false);
    piece.remove_prefix(size);
  }
  return ok_;
}

bool GzipSink::finish() {
  ok_ = ok_ && compress({}, true);
  return ok_;
}

bool GzipSink::compress(std::string_view piece, bool last) {
  isal_zstream& stream = state_->stream;
  // The library's interface is not const, but it only reads its input.
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<std::uint32_t>(piece.size());
  stream.end_of_stream = last ? 1 : 0;
  do {
    stream.next_out = state_->output.data();
    stream.avail_out = static_cast<std::uint32_t>(state_->output.size());
    if (isal_deflate(&stream) != COMP_OK) {
      return false;
    }
    const std::size_t size = state_->output.size() - stream.avail_out;
    if (size > 0 && !next_.write({reinterpret_cast<const char*>(state_->output.data()), size})) {
      return false;
    }
  } while (stream.avail_out == 0);
  return true;
}

}  // namespace tpx::exposition
