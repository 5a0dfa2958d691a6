#include "decode/record_arena.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace tpx::decode {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string_view text(const RecordArena& arena, RecordArena::Handle record, std::size_t size) {
  return {reinterpret_cast<const char*>(arena.at(record)), size};
}

TEST_CASE("records keep their bytes while the arena grows and is compacted") {
  RecordArena arena;
  std::vector<RecordArena::Handle> handles;
  for (int i = 0; i < 10000; ++i) {
    handles.push_back(arena.append(bytes("key" + std::to_string(i)), bytes("text")));
  }
  arena.begin_compaction();
  std::vector<std::pair<std::string, RecordArena::Handle>> kept;
  for (int i = 0; i < 10000; i += 7) {
    const std::string record = "key" + std::to_string(i) + "text";
    kept.emplace_back(record, arena.keep(handles[static_cast<std::size_t>(i)], record.size()));
  }
  arena.end_compaction();
  for (const auto& [record, handle] : kept) {
    REQUIRE(text(arena, handle, record.size()) == record);
  }
  // Records take a multiple of 4 bytes: key0text and key7text 8, the others, of 9 to 12, 12.
  CHECK(arena.bytes() == kept.size() * 12 - 2 * 4);
}

TEST_CASE("an empty record takes nothing") {
  RecordArena arena;
  arena.append({}, {});
  CHECK(arena.bytes() == 0);
}

}  // namespace
}  // namespace tpx::decode
