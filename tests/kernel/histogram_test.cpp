#include <limits>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

__extension__ using Wide = __int128;

/// Buckets, +Inf bucket and 128-bit sum as plain arithmetic gives them.
std::vector<std::uint64_t> expected(const std::vector<std::int64_t>& bounds, const std::vector<Wide>& values) {
  std::vector<std::uint64_t> words(bounds.size() + 3);
  Wide sum = 0;
  for (const Wide value : values) {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && value > bounds[bucket]) {
      ++bucket;
    }
    ++words[bucket];
    sum += value;
  }
  words[bounds.size() + 1] = static_cast<std::uint64_t>(sum);
  words[bounds.size() + 2] = static_cast<std::uint64_t>(sum >> 64);
  return words;
}

const std::vector<std::int64_t>& samples() {
  static const std::vector<std::int64_t> values = {0,
                                                   1,
                                                   -1,
                                                   2,
                                                   3,
                                                   4,
                                                   5,
                                                   7,
                                                   8,
                                                   9,
                                                   10,
                                                   15,
                                                   16,
                                                   17,
                                                   1023,
                                                   1024,
                                                   1025,
                                                   -1024,
                                                   -1025,
                                                   99,
                                                   100,
                                                   101,
                                                   4096,
                                                   1 << 20,
                                                   1 << 30,
                                                   (1LL << 31) - 1,
                                                   1LL << 31,
                                                   -(1LL << 31),
                                                   (1LL << 40) + 1,
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   std::numeric_limits<std::int64_t>::max() - 1,
                                                   std::numeric_limits<std::int64_t>::min() + 1,
                                                   -(1LL << 62),
                                                   1LL << 62};
  return values;
}

TEST_CASE("histograms put every value into its bucket and sum exactly", "[kernel]") {
  const std::vector<std::string> shapes = {
      "buckets: {exponential: {start: 1, factor: 2, count: 40}}",
      "buckets: {exponential: {start: 512, factor: 4, count: 5}}",
      "buckets: {linear: {start: -10, width: 5, count: 7}}",
      "buckets: [-5000000000, -1024, -1, 0, 1, 10, 100, 5000000000]",
      "buckets: [0]",
  };
  for (const Force& way : all_ways()) {
    for (const std::string& shape : shapes) {
      INFO(describe(way) << " " << shape);
      Session session("metrics:\n" +
                          calls_metric("signed_size",
                                       "type: histogram\nlabels: {key: 'args.args[1]'}\n"
                                       "value: '-args.args[0]'\n" +
                                           shape) +
                          calls_metric("unsigned_size", "type: histogram\nvalue: 'args.args[0]'\n" + shape),
                      way);
      std::vector<Wide> signed_values;
      std::vector<Wide> unsigned_values;
      for (const std::int64_t value : samples()) {
        for (const int key : {1, 2}) {
          call(-static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(key));
          unsigned_values.push_back(static_cast<Wide>(-static_cast<std::uint64_t>(value)));
        }
        signed_values.push_back(value);
      }
      const std::vector<std::int64_t>& bounds = session.planned("signed_size").plan.value.bounds;
      CHECK(session.words("signed_size", {{"key", "1"}}) == expected(bounds, signed_values));
      CHECK(session.words("signed_size", {{"key", "2"}}) == expected(bounds, signed_values));
      CHECK(session.words("unsigned_size", {}) == expected(bounds, unsigned_values));
    }
  }
}

TEST_CASE("bounds are in the exposed unit and inclusive", "[kernel]") {
  Session session("metrics:\n" + calls_metric("time_seconds",
                                              "type: histogram\nvalue: 'args.args[0]'\nscale: 1e-9\n"
                                              "buckets: [1e-6, 0.001, 1]"));
  for (const std::uint64_t nanoseconds :
       {1000ULL, 1001ULL, 1'000'000ULL, 1'000'001ULL, 1'000'000'000ULL, 1'000'000'001ULL}) {
    call(nanoseconds);
  }
  CHECK(session.words("time_seconds", {}) == std::vector<std::uint64_t>{1, 2, 2, 1, 2'002'002'003, 0});
}

}  // namespace
}  // namespace tpx::test
