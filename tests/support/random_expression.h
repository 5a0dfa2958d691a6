#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernel/format.h"
#include "schema/metric_schema.h"

namespace tpx::test {

/// An expression that the checker takes where its leaves are known.
struct RandomText {
  std::string text;
  std::uint32_t size = 8;  ///< bytes that it takes as a label, at most
};

/// Something that an expression may name: `args.pid`, `from.args.comm`, `args.next->prio`.
struct Leaf {
  std::string text;
  schema::ValueType::Kind kind = schema::ValueType::Kind::Integer;
  std::uint32_t size = 8;
  bool is_pointer = false;  ///< str() may follow it
};

/// What a field of a record may be named by: the field, and some elements of an array. Nothing that can't be read.
[[nodiscard]] std::vector<Leaf> leaves_of(const kernel::Format& format, const std::string& prefix = {});
/// `pid`, `comm` and the others, with `prefix` (`from.`). Without `probe`.
[[nodiscard]] std::vector<Leaf> builtin_leaves(const std::string& prefix = {});

/// Random expressions over leaves, of every operator and of if() and str(), as the checker takes them: no constant divisor
/// of 0, no constant shift beyond 63 bits, no string of more than 72 bytes compared. The same state of `random` gives
/// the same expressions. `random` must outlive it.
class RandomExpressions {
 public:
  RandomExpressions(std::mt19937_64& random, std::vector<Leaf> leaves);

  [[nodiscard]] RandomText integer(int depth);
  [[nodiscard]] RandomText string(int depth);
  /// An integer, a string or an array: what a label may be. At most `room` bytes.
  [[nodiscard]] RandomText label(int depth, std::uint32_t room);

  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  [[nodiscard]] const Leaf& pick(const std::vector<Leaf>& among) { return among[below(among.size())]; }
  [[nodiscard]] std::string literal();
  [[nodiscard]] std::string in_quotes();
  [[nodiscard]] RandomText integer_leaf();
  [[nodiscard]] RandomText binary(int depth);
  [[nodiscard]] RandomText comparison(int depth);
  [[nodiscard]] RandomText comparable(int depth);
  [[nodiscard]] RandomText string_leaf();

  std::mt19937_64& random_;
  std::vector<Leaf> integers_;
  std::vector<Leaf> strings_;
  std::vector<Leaf> arrays_;
  std::vector<Leaf> pointers_;
};

}  // namespace tpx::test
