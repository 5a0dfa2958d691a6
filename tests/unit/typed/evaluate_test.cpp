// Expressions over an entry of a C program's map, computed by the exporter.

#include "typed/evaluate.h"

#include <cstring>

#include "catch.h"
#include "kernel/kernel.h"
#include "support/fixtures.h"
#include "typed/bind.h"
#include "typed/entry_names.h"

namespace tpx::typed {
namespace {

using Kind = schema::ValueType::Kind;

const kernel::Kernel& recorded() {
  static const kernel::Kernel kernel =
      kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::features_of_release(6, 1)).value();
  return kernel;
}

/// From a struct sched_param {int sched_priority;} to a struct iovec {void *iov_base; size_t iov_len;}.
EntryTypes types(bool per_cpu = true) {
  const kernel::Btf& btf = *recorded().btf;
  return {&btf, "vectors", btf.find_struct("sched_param").value(), btf.find_struct("iovec").value(), per_cpu};
}

Result<TypedExprPtr> bound(const std::string& text, const EntryTypes& map = types()) {
  const auto node = expression::parse(text, {"a", 1, 1});
  REQUIRE(node.has_value());
  return bind(**node, EntryNames(map), {"a", 1, 1});
}

struct Entry {
  std::int32_t key = -3;
  std::uint64_t value[2] = {10, 7};
  [[nodiscard]] MapEntry view(std::uint32_t cpu = 5) const {
    return {std::as_bytes(std::span(&key, 1)), std::as_bytes(std::span(value)), cpu};
  }
};

TEST_CASE("integers of an entry are extended by their sign and computed as a program computes") {
  const Entry entry;
  const auto value = [&](const char* text) {
    INFO(text);
    const auto expr = bound(text);
    REQUIRE(expr.has_value());
    return integer_of(**expr, entry.view());
  };
  CHECK(value("key.sched_priority") == -3);
  CHECK(value("value.iov_len") == 7);
  CHECK(value("value.iov_base * value.iov_len - 1") == 69);
  CHECK(value("-7 / 2 + value.iov_len / (value.iov_len - 7)") == -3);
  CHECK(value("key.sched_priority >> 1") == -2);
  CHECK(value("cpu + 1") == 6);
  CHECK(value("if(key.sched_priority < 0, 1, 2)") == 1);
  CHECK(value("if(\"a\" == \"b\", 1, 2)") == 2);
  CHECK(value("!value.iov_len || ~value.iov_len == -8") == 1);
}

TEST_CASE("an entry that is shorter than its type reads as 0 behind its end") {
  Entry entry;
  MapEntry cut = entry.view();
  cut.value = cut.value.first(12);
  CHECK(integer_of(**bound("value.iov_len"), cut) == 7);  // the upper half is 0 anyway
  cut.value = cut.value.first(8);
  CHECK(integer_of(**bound("value.iov_len"), cut) == 0);
  CHECK(integer_of(**bound("value.iov_base"), cut) == 10);
}

TEST_CASE("a value is written as a key holds it: integers in their width, text padded with NUL") {
  const Entry entry;
  const auto written = [&](const TypedExpr& expr) {
    std::vector<std::byte> bytes(expr.type.size, std::byte{0xff});
    evaluate(expr, entry.view(), bytes);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  CHECK(written(**bound("key.sched_priority")) == std::string("\xfd\xff\xff\xff", 4));
  CHECK(written(**bound("if(value.iov_len > 6, \"yes\", \"no\")")) == std::string("yes\0\0\0\0\0", 8));
  const TypedExpr bytes{EntryBytes{EntryArea::Value, 8, 4}, {Kind::Bytes, 4, false}};
  CHECK(written(bytes) == std::string("\7\0\0\0", 4));
  const auto same = std::make_shared<const TypedExpr>(bytes);
  CHECK(written(*make_typed(Conditional{constant(1), same, same}, bytes.type)) == std::string("\7\0\0\0", 4));
}

TEST_CASE("bits of an entry are loaded from the byte where they begin") {
  Entry entry;
  entry.value[0] = 0b1011'0100;
  const auto bits = [&](std::uint32_t offset, std::uint32_t size, bool is_signed) {
    const TypedExpr expr{EntryLoad{EntryArea::Value, 0, 1, is_signed, offset, size}, {Kind::Integer, 4, is_signed}};
    return integer_of(expr, entry.view());
  };
  CHECK(bits(2, 3, false) == 5);
  CHECK(bits(2, 3, true) == -3);
  CHECK(bits(7, 1, false) == 1);
}

TEST_CASE("only what has the CPU in it differs between CPUs") {
  CHECK(uses_cpu(**bound("if(value.iov_len, cpu, 0)")));
  CHECK_FALSE(uses_cpu(**bound("key.sched_priority + value.iov_len")));
}

TEST_CASE("names that an entry has not are errors that say what to write") {
  const auto error = [](const char* text, const EntryTypes& map = types()) {
    INFO(text);
    const auto expr = bound(text, map);
    REQUIRE_FALSE(expr.has_value());
    CHECK(expr.error().location.has_value());
    return expr.error().message + "; " + expr.error().hint;
  };
  CHECK(error("args.pid").starts_with("a metric of an object has no tracepoint's arguments; write key.NAME"));
  CHECK(error("from.args.pid").starts_with("a metric of an object has no tracepoint's arguments"));
  CHECK(error("comm").starts_with("\"comm\" is not known when a map is read"));
  CHECK(error("from.comm").starts_with("\"comm\" is not known when a map is read"));
  CHECK(error("cpu", types(false)).starts_with("map \"vectors\" is not per CPU"));
  CHECK(error("value.iov_lne").ends_with("did you mean \"iov_len\"?"));
  CHECK(error("value.iov_len.x").ends_with("it has no members; write `value` alone"));
  CHECK(error("value.iov_base->x").starts_with("a map's key and value have no pointers to follow"));
  CHECK(error("key[0]").starts_with("only arrays have elements"));
  CHECK(error("str(key)").starts_with("str() can't stand inside"));
}

}  // namespace
}  // namespace tpx::typed
