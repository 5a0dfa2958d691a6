#include "decode/label_decoder.h"

#include <algorithm>

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

namespace {

schema::DecoderCall call(const std::string& name, const std::string& pattern = {}) {
  return {.name = name, .pattern = pattern, .names = {}, .field_names = {}};
}

schema::KeyField field(const std::string& label, std::uint32_t offset, schema::ValueType type,
                       std::vector<schema::DecoderCall> decoders = {}) {
  return {label, offset, type, std::move(decoders), {}};
}

const schema::ValueType kComm{schema::ValueType::Kind::String, 16, false};

/// pid (signed, 4 bytes) at 0, comm at 8.
struct Key {
  std::int32_t pid;
  std::int32_t padding = 0;
  std::array<char, 16> comm{};
};
Key key(std::int32_t pid, std::string_view comm) {
  Key made{pid, 0, {}};
  std::copy(comm.begin(), comm.end(), made.comm.begin());
  return made;
}

LabelDecoder decoder(schema::KeyLayout layout, const Environment& environment = {}) {
  auto made = LabelDecoder::make(layout, environment);
  REQUIRE(made);
  return std::move(*made);
}

bool decoded(LabelDecoder& labels, const Key& value, std::vector<std::string>& texts) {
  return labels.decode(std::as_bytes(std::span(&value, 1)), texts);
}

}  // namespace

TEST_CASE("a key becomes its labels' texts in the order of the layout") {
  LabelDecoder labels = decoder({{field("pid", 0, test::signed_type(4)), field("comm", 8, kComm),
                                  field("short", 0, test::unsigned_type(4), {call("hex")})},
                                 24});
  std::vector<std::string> texts{"left", "over", "from", "before"};
  REQUIRE(decoded(labels, key(-7, "a\xff"), texts));
  REQUIRE(texts == std::vector<std::string>{"-7", "a\xef\xbf\xbd", "0xfffffff9"});
}

TEST_CASE("no labels are no texts") {
  LabelDecoder labels = decoder({});
  std::vector<std::string> texts{"x"};
  REQUIRE(labels.decode({}, texts));
  REQUIRE(texts.empty());
  REQUIRE(labels.stable());
}

TEST_CASE("chains apply the first decoder first") {
  LabelDecoder labels =
      decoder({{field("error", 0, test::signed_type(4), {call("errno"), call("match", "^E(.*)")})}, 8});
  std::vector<std::string> texts;
  REQUIRE(decoded(labels, key(-2, ""), texts));
  REQUIRE(texts == std::vector<std::string>{"NOENT"});
  REQUIRE_FALSE(decoded(labels, key(0, ""), texts));
}

TEST_CASE("a series is left out by any label, also when it is met again") {
  LabelDecoder labels =
      decoder({{field("pid", 0, test::signed_type(4)), field("comm", 8, kComm, {call("match", "^keep")})}, 24});
  std::vector<std::string> texts;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(decoded(labels, key(1, "keeper"), texts));
    REQUIRE(texts == std::vector<std::string>{"1", "keeper"});
    REQUIRE_FALSE(decoded(labels, key(1, "other"), texts));
  }
}

TEST_CASE("what follows a string's NUL makes no difference") {
  LabelDecoder labels = decoder({{field("comm", 8, kComm, {call("match", "(.*)")})}, 24});
  std::vector<std::string> texts;
  REQUIRE(decoded(labels, key(1, std::string_view("ab\0cd", 5)), texts));
  REQUIRE(texts.front() == "ab");
}

TEST_CASE("probe indexes become names, which decoders take as text") {
  schema::KeyField probe = field("probe", 0, test::unsigned_type(4));
  probe.probe_names = {"sched/sched_switch", "sched/sched_wakeup"};
  schema::KeyField matched = probe;
  matched.decoders = {call("match", "/sched_(.*)")};
  LabelDecoder labels = decoder({{probe, matched}, 8});
  std::vector<std::string> texts;
  REQUIRE(decoded(labels, key(1, ""), texts));
  REQUIRE(texts == std::vector<std::string>{"sched/sched_wakeup", "wakeup"});
  REQUIRE_FALSE(decoded(labels, key(2, ""), texts));
  REQUIRE(texts.front() == "unknown");
}

TEST_CASE("what is not stable is decoded again in the next scrape, and only then") {
  const test::Tree tree;
  tree.file("/etc/passwd", "one:x:1:\n");
  LabelDecoder labels =
      decoder({{field("user", 0, test::signed_type(4), {call("user"), call("match", "(.*)")})}, 8}, tree.environment());
  REQUIRE_FALSE(labels.stable());
  std::vector<std::string> texts;
  REQUIRE(decoded(labels, key(1, ""), texts));
  REQUIRE(texts.front() == "one");
  tree.file("/etc/passwd", "first:x:1:\n");
  REQUIRE(decoded(labels, key(1, ""), texts));
  REQUIRE(texts.front() == "one");
  labels.refresh();
  REQUIRE(decoded(labels, key(1, ""), texts));
  REQUIRE(texts.front() == "first");
}

TEST_CASE("a generation lasts as long as no text that was decoded has changed") {
  const test::Tree tree;
  tree.file("/etc/passwd", "one:x:1:\ntwo:x:2:\n");
  LabelDecoder labels = decoder({{field("user", 0, test::signed_type(4), {call("user")})}, 8}, tree.environment());
  std::vector<std::string> texts;
  const auto refreshed = [&] {
    labels.refresh();
    return labels.generation();
  };
  REQUIRE(decoded(labels, key(1, ""), texts));
  const auto first = refreshed();
  REQUIRE(first.has_value());
  CHECK(refreshed() == first);
  // Of a user that nobody asked for.
  tree.file("/etc/passwd", "one:x:1:\nsecond:x:2:\n");
  CHECK(refreshed() == first);
  tree.file("/etc/passwd", "first:x:1:\nsecond:x:2:\n");
  const auto second = refreshed();
  CHECK(second != first);
  REQUIRE(decoded(labels, key(1, ""), texts));
  CHECK(texts.front() == "first");
  CHECK(refreshed() == second);
  // More users than are remembered: any of them may have another name.
  for (std::int32_t i = 0; i < 20'000; ++i) {
    REQUIRE(decoded(labels, key(i, ""), texts));
  }
  CHECK(refreshed() != second);
}

TEST_CASE("more values than the cache holds decode well") {
  LabelDecoder labels = decoder({{field("pid", 0, test::unsigned_type(4), {call("hex")})}, 8});
  REQUIRE(labels.stable());
  std::vector<std::string> texts;
  for (std::int32_t i = 0; i < 20'000; ++i) {
    REQUIRE(decoded(labels, key(i, ""), texts));
    REQUIRE(texts.front() == hex(static_cast<std::uint64_t>(i)));
  }
}

TEST_CASE("a key that is too short reads as zeros") {
  LabelDecoder labels = decoder({{field("pid", 0, test::signed_type(4)), field("comm", 8, kComm)}, 24});
  std::vector<std::string> texts;
  REQUIRE(labels.decode({}, texts));
  REQUIRE(texts == std::vector<std::string>{"0", ""});
}

TEST_CASE("a chain that can't be made is an error with the label's name") {
  const auto unknown = LabelDecoder::make({{field("x", 0, test::signed_type(4), {call("nope")})}, 8}, {});
  REQUIRE_FALSE(unknown);
  REQUIRE(unknown.error().message == "label \"x\": there is no decoder \"nope\"");
  REQUIRE_FALSE(LabelDecoder::make({{field("x", 0, test::signed_type(4), {call("match", "(")})}, 8}, {}));
}
