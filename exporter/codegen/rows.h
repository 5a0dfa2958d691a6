#pragma once

#include "codegen/context.h"
#include "schema/metric_schema.h"

namespace tpx::codegen {

/// Finds or makes the row of the key at R10 + kKey: leaves its address in kRow. Where no row can be had, that is the row of
/// the series `other`, and the reason is counted. Destroys R1 to R5; leaves a table's hash of the key in kHash, and the offset
/// of the lane in R0 where the last one is shared (LaneRule::SharedLast).
/// See docs/design/lock-free-table.md.
class Rows {
 public:
  Rows(Context& context, const schema::MetricSchema& metric) : context_(context), out_(context.out), metric_(metric) {}

  void find();

  /// What find() does first for a table, unless kHash holds it already: needs no more than the key, which several metrics
  /// may share. Destroys R1 and R2.
  void hash_key();

  /// Counts an event in the metric's counters of what could not be counted. Destroys R0 and R1.
  void count_lost(schema::LostReason reason);

 private:
  void array();
  void table();
  void hash();
  void hide_key();
  void probe(assembler::Label other_word, assembler::Label other_key);
  void compare(assembler::Label other_word, assembler::Label other_key);
  void insert(assembler::Label next, assembler::Label found, assembler::Label inserted, assembler::Label full,
              assembler::Label busy);
  void begin_search();
  void count_up(std::int64_t slot);
  void take_id(assembler::Label taken, assembler::Label full, assembler::Label busy);
  void write_key();
  void publish(assembler::Label inserted);
  void give_back(assembler::Label done);
  void other(assembler::Label full, assembler::Label busy, assembler::Label done);
  void find_lane(assembler::Label no_cpu);
  /// kRow = address of row kRow of this CPU; R0 = the offset of its lane, where there are several.
  void address_of_row(assembler::Label no_cpu);
  void load_region(assembler::Reg dst, std::uint64_t offset);

  Context& context_;
  assembler::Program& out_;
  const schema::MetricSchema& metric_;
};

/// Multiplier of the hash: 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4).
inline constexpr std::uint64_t kHashMultiplier = 0x9e3779b97f4a7c15ULL;
/// Slots of the index that are looked at before a label set counts as `other`.
inline constexpr std::int64_t kProbes = 16;

}  // namespace tpx::codegen
