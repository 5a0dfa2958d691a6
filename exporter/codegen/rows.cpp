#include "codegen/rows.h"

#include <linux/bpf.h>

#include <bit>
#include <cerrno>

namespace tpx::codegen {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using schema::LostReason;
using schema::RegionLayout;
using schema::SlotState;

namespace {

constexpr int kTakeAttempts = 4;
constexpr std::int64_t kGiveBackAttempts = 16;
constexpr std::int64_t kInsertAttempts = 2;
/// The index word of id 0, ready, without its hash: those of the other ids lie four apart.
constexpr std::int64_t kFirstReady = 4 | static_cast<std::int64_t>(SlotState::Ready);
/// Id and state of an index word.
constexpr std::int64_t kBelowHash = (std::int64_t{1} << (RegionLayout::kIdBits + 2)) - 1;

}  // namespace

void Rows::load_region(Reg dst, std::uint64_t offset) {
  out_.load_map(dst, {metric_.region_map, static_cast<std::uint32_t>(offset)});
}

void Rows::find() {
  switch (metric_.store.kind) {
    case schema::StoreKind::Array:
      array();
      break;
    case schema::StoreKind::Table:
      table();
      break;
    case schema::StoreKind::PerCpuHash:
      hash();
      break;
  }
}

void Rows::count_lost(LostReason reason) {
  const RegionLayout& region = metric_.store.region;
  const Label skip = out_.new_label();
  out_.comment(reason == LostReason::ReadFault ? "count what can't be read"
                                               : "count what is not in a series of its own");
  out_.call(BPF_FUNC_get_smp_processor_id);
  if (region.lost_lines() < region.cpus) {
    out_.alu(Alu::And, Reg::R0, std::int64_t{region.lost_lines()} - 1);
  } else {
    out_.jump_if(Cond::Ge, Reg::R0, region.cpus, skip);
  }
  out_.alu(Alu::Mul, Reg::R0, region.lost_stride());
  load_region(Reg::R1, region.lost_offset());
  out_.alu(Alu::Add, Reg::R1, Reg::R0);
  out_.load_immediate(Reg::R0, 1);
  out_.atomic(Atomic::Add, Size::Double, Reg::R1, 8 * static_cast<std::int64_t>(reason), Reg::R0);
  out_.place(skip);
}

void count_fault(Context& context) {
  for (const schema::MetricSchema* metric : context.metrics) {
    Rows(context, *metric).count_lost(LostReason::ReadFault);
  }
}

/// R0 = the lane of this CPU.
void Rows::find_lane(Label no_cpu) {
  const RegionLayout& region = metric_.store.region;
  out_.comment("row of this CPU");
  out_.call(BPF_FUNC_get_smp_processor_id);
  switch (region.lane_rule) {
    case schema::LaneRule::PerCpu:
      out_.jump_if(Cond::Ge, Reg::R0, region.lanes, no_cpu);
      break;
    case schema::LaneRule::SharedLast: {
      const Label own = out_.new_label();
      out_.jump_if(Cond::Lt, Reg::R0, region.lanes, own);
      out_.load_immediate(Reg::R0, std::int64_t{region.lanes} - 1);
      out_.place(own);
      break;
    }
    case schema::LaneRule::Folded:
      out_.alu(Alu::And, Reg::R0, std::int64_t{region.lanes} - 1);
      break;
  }
}

void Rows::address_of_row(Label no_cpu) {
  const RegionLayout& region = metric_.store.region;
  if (region.lanes > 1) {
    find_lane(no_cpu);
    out_.load_immediate(Reg::R1, static_cast<std::int64_t>(region.lane_stride()));
    out_.alu(Alu::Mul, Reg::R0, Reg::R1);
  }
  out_.alu(Alu::Mul, kRow, region.value_stride());
  load_region(Reg::R1, region.values_offset());
  out_.alu(Alu::Add, kRow, Reg::R1);
  if (region.lanes > 1) {
    out_.alu(Alu::Add, kRow, Reg::R0);
  }
}

void Rows::array() {
  const Label always = out_.new_label();
  out_.comment("the one row");
  out_.load_immediate(kRow, 0);
  address_of_row(always);
  // A CPU number beyond the possible ones does not exist; the verifier wants an address all the same.
  const Label done = out_.new_label();
  out_.jump(done);
  out_.place(always);
  load_region(kRow, metric_.store.region.values_offset());
  out_.place(done);
}

/// kHash: the upper half tells the first slot; the lower half is the index word of this key as it will be when published,
/// if its id is 0. A word of the index less that is four times an id if hash and state are the same, and beyond them if not.
void Rows::hash_key() {
  if (metric_.store.kind != schema::StoreKind::Table || context_.key_hashed) {
    return;
  }
  out_.comment("hash of the key");
  out_.load_immediate(Reg::R2, static_cast<std::int64_t>(kHashMultiplier));
  for (std::uint32_t word = 0; word < metric_.key.size; word += 8) {
    const Reg loaded = word == 0 ? kHash : Reg::R1;
    out_.load(Size::Double, loaded, kFrame, kKey + word);
    if (word == 0 && context_.key_listed) {
      hide_key();
    }
    if (word > 0) {
      out_.alu(Alu::Xor, kHash, Reg::R1);
    }
    out_.alu(Alu::Mul, kHash, Reg::R2);
    // The upper bits depend on all others: they go on. At the end they are the slot.
    out_.move(Reg::R1, kHash);
    out_.alu(Alu::Rsh, Reg::R1, 32);
    out_.alu(Alu::Xor, kHash, Reg::R1);
  }
  out_.alu(Alu::Mul, kHash, Reg::R2);
  out_.alu(Alu::And, kHash, ~kBelowHash);
  out_.alu(Alu::Or, kHash, kFirstReady);
  context_.key_hashed = true;
}

/// Takes away what the verifier knows of kHash: it would follow each of the possible keys through all the probes.
void Rows::hide_key() {
  load_region(Reg::R1, 0);
  out_.load(Size::Double, Reg::R1, Reg::R1, RegionLayout{}.fresh_offset());
  out_.alu(Alu::Xor, kHash, Reg::R1);
  out_.alu(Alu::Xor, kHash, Reg::R1);
}

/// Looks at the slot whose byte offset in the index is in R1: on with the row in kRow when it is this key's, else to
/// `other_word` with R3 = the word less kHash, or to `other_key`. Leaves the address of the word in R2, and R1.
void Rows::probe(Label other_word, Label other_key) {
  const RegionLayout& region = metric_.store.region;
  load_region(Reg::R2, region.index_offset());
  out_.alu(Alu::Add, Reg::R2, Reg::R1);
  out_.load(Size::Word, Reg::R3, Reg::R2, 0);
  compare(other_word, other_key);
}

/// probe() of the word in R3.
void Rows::compare(Label other_word, Label other_key) {
  const RegionLayout& region = metric_.store.region;
  out_.alu32(Alu::Sub, Reg::R3, kHash);
  out_.jump_if(Cond::Ge, Reg::R3, 4 * std::int64_t{region.capacity}, other_word);
  out_.comment("ready, and the same key?");
  out_.move(Reg::R4, Reg::R3);
  out_.alu(Alu::And, Reg::R4, 3);
  out_.alu(Alu::Rsh, Reg::R3, 2);
  out_.move(kRow, Reg::R3);
  out_.alu(Alu::Mul, Reg::R3, region.key_size);
  load_region(Reg::R5, region.keys_offset());
  out_.alu(Alu::Add, Reg::R5, Reg::R3);
  // One branch, not one a word: the verifier follows each of them through all the probes that are left.
  for (std::uint32_t word = 0; word < region.key_size; word += 8) {
    out_.load(Size::Double, Reg::R3, Reg::R5, word);
    out_.load(Size::Double, Reg::R0, kFrame, kKey + word);
    out_.alu(Alu::Xor, Reg::R3, Reg::R0);
    out_.alu(Alu::Or, Reg::R4, Reg::R3);
  }
  out_.jump_if(Cond::Ne, Reg::R4, 0, other_key);
}

/// What a look past the first slot needs.
void Rows::begin_search() {
  out_.store_immediate(Size::Double, kFrame, kProbeSlot, 0);
  out_.store_immediate(Size::Double, kFrame, kHeldSlot, 0);
  out_.store_immediate(Size::Double, kFrame, kTrySlot, 0);
}

/// R2 = ++*(u64*)(R10 + slot).
void Rows::count_up(std::int64_t slot) {
  out_.load(Size::Double, Reg::R2, kFrame, slot);
  out_.alu(Alu::Add, Reg::R2, 1);
  out_.store(Size::Double, kFrame, slot, Reg::R2);
}

void Rows::table() {
  const RegionLayout& region = metric_.store.region;
  const int shift = 64 - std::countr_zero(region.slots);
  const Label first_word = out_.new_label();
  const Label first_key = out_.new_label();
  const Label other_word = out_.new_label();
  const Label next = out_.new_label();
  const Label found = out_.new_label();
  const Label have_row = out_.new_label();
  const Label full = out_.new_label();
  const Label busy = out_.new_label();
  hash_key();
  out_.comment("first slot of the index");
  out_.move(Reg::R1, kHash);
  out_.alu(Alu::Rsh, Reg::R1, shift);
  out_.alu(Alu::Lsh, Reg::R1, 2);
  probe(first_word, first_key);
  out_.jump(have_row);

  out_.place(first_word);
  begin_search();
  out_.place(other_word);
  out_.comment("empty?");
  out_.alu32(Alu::Add, Reg::R3, kHash);
  out_.jump_if(Cond::Ne, Reg::R3, 0, next);
  insert(next, found, have_row, full, busy);

  out_.place(first_key);
  begin_search();
  out_.place(next);
  out_.comment("the next slot");
  count_up(kProbeSlot);
  out_.jump_if(Cond::Ge, Reg::R2, kProbes, busy);
  out_.move(Reg::R1, kHash);
  out_.alu(Alu::Rsh, Reg::R1, shift);
  out_.alu(Alu::Add, Reg::R1, Reg::R2);
  out_.alu(Alu::And, Reg::R1, std::int64_t{region.slots} - 1);
  out_.alu(Alu::Lsh, Reg::R1, 2);
  probe(other_word, next);
  out_.jump(found);

  other(full, busy, found);
  out_.place(found);
  give_back(have_row);
  out_.place(have_row);
  const Label no_cpu = out_.new_label();
  const Label done = out_.new_label();
  address_of_row(no_cpu);
  out_.jump(done);
  out_.place(no_cpu);
  load_region(kRow, region.values_offset() + std::uint64_t{region.other_row()} * region.value_stride());
  out_.place(done);
}

/// Takes an id, writes the key, and only then tries for the empty slot at R2 (its offset in R1) with one compare-and-swap:
/// whoever meets the slot sees it empty or all there. When somebody else was first (another CPU, an interrupt), what stands
/// there now may be the same key. If not, the search begins anew, as then the verifier has to follow an insertion a few
/// times only and not from every slot; the id is kept for the next empty slot, and given back when there is none.
void Rows::insert(Label next, Label found, Label inserted, Label full, Label busy) {
  const std::int64_t capacity = metric_.store.region.capacity;
  const Label taken = out_.new_label();
  const Label held = out_.new_label();
  const Label ready = out_.new_label();
  const Label other_key = out_.new_label();
  out_.comment("an id is left from another slot?");
  out_.store(Size::Double, kFrame, kPositionSlot, Reg::R1);
  out_.load(Size::Double, kRow, kFrame, kHeldSlot);
  out_.jump_if(Cond::Ne, kRow, 0, held);
  take_id(taken, full, busy);
  out_.place(held);
  out_.alu(Alu::Sub, kRow, 1);
  out_.jump_if(Cond::Ge, kRow, capacity, busy);
  out_.jump(ready);
  out_.place(taken);
  out_.jump_if(Cond::Ge, kRow, capacity, full);
  write_key();
  out_.place(ready);
  publish(inserted);
  out_.comment("another was first: the same key?");
  out_.move(Reg::R3, Reg::R0);
  compare(other_key, other_key);
  out_.jump(found);
  out_.place(other_key);
  out_.comment("search again");
  count_up(kTrySlot);
  out_.jump_if(Cond::Ge, Reg::R2, kInsertAttempts, busy);
  out_.store_immediate(Size::Double, kFrame, kProbeSlot, -1);
  out_.jump(next);
}

/// kRow = an id that nobody has: one that was given back, or the next fresh one, which may be the capacity.
void Rows::take_id(Label taken, Label full, Label busy) {
  const RegionLayout& region = metric_.store.region;
  const Label fresh = out_.new_label();
  for (int attempt = 0; attempt < kTakeAttempts; ++attempt) {
    out_.comment("take an id that was given back");
    load_region(Reg::R4, 0);
    out_.load(Size::Double, Reg::R0, Reg::R4, region.free_offset());
    out_.move(kRow, Reg::R0);
    out_.alu(Alu::And, kRow, RegionLayout::kMostIds);
    out_.jump_if(Cond::Eq, kRow, 0, fresh);
    out_.alu(Alu::Sub, kRow, 1);
    out_.jump_if(Cond::Ge, kRow, region.capacity, busy);
    load_region(Reg::R2, region.links_offset());
    out_.move(Reg::R3, kRow);
    out_.alu(Alu::Lsh, Reg::R3, 2);
    out_.alu(Alu::Add, Reg::R2, Reg::R3);
    out_.load(Size::Word, Reg::R5, Reg::R2, 0);
    out_.move(Reg::R3, Reg::R0);
    out_.alu(Alu::Sub, Reg::R3, kRow);
    out_.alu(Alu::Add, Reg::R3, Reg::R5);
    out_.load_immediate(Reg::R2, static_cast<std::int64_t>(RegionLayout::kChange - RegionLayout::kOneFree - 1));
    out_.alu(Alu::Add, Reg::R3, Reg::R2);
    out_.move(Reg::R2, Reg::R0);
    out_.atomic(Atomic::CompareExchange, Size::Double, Reg::R4, region.free_offset(), Reg::R3);
    out_.jump_if(Cond::Eq, Reg::R0, Reg::R2, taken);
  }
  out_.place(fresh);
  out_.comment("or a fresh one");
  out_.load(Size::Double, Reg::R0, Reg::R4, region.fresh_offset());
  out_.jump_if(Cond::Ge, Reg::R0, region.capacity, full);
  out_.load_immediate(kRow, 1);
  out_.atomic(Atomic::FetchAdd, Size::Double, Reg::R4, region.fresh_offset(), kRow);
  out_.jump(taken);
}

void Rows::write_key() {
  const RegionLayout& region = metric_.store.region;
  out_.comment("write the key");
  out_.move(Reg::R4, kRow);
  out_.alu(Alu::Mul, Reg::R4, region.key_size);
  load_region(Reg::R3, region.keys_offset());
  out_.alu(Alu::Add, Reg::R4, Reg::R3);
  for (std::uint32_t word = 0; word < region.key_size; word += 8) {
    out_.load(Size::Double, Reg::R5, kFrame, kKey + word);
    out_.store(Size::Double, Reg::R4, word, Reg::R5);
  }
  if (region.births) {
    out_.comment("and when that was");
    out_.call(BPF_FUNC_ktime_get_ns);
    out_.alu(Alu::Rsh, Reg::R0, RegionLayout::kTickBits);
    load_region(Reg::R3, region.births_offset());
    out_.move(Reg::R4, kRow);
    out_.alu(Alu::Lsh, Reg::R4, 2);
    out_.alu(Alu::Add, Reg::R4, Reg::R3);
    out_.store(Size::Word, Reg::R4, 0, Reg::R0);
  }
  out_.move(Reg::R5, kRow);
  out_.alu(Alu::Add, Reg::R5, 1);
  out_.store(Size::Double, kFrame, kHeldSlot, Reg::R5);
}

/// On to `inserted`, or here with what stands in the index instead in R0.
void Rows::publish(Label inserted) {
  const RegionLayout& region = metric_.store.region;
  const Label lost = out_.new_label();
  out_.comment("publish it");
  out_.move(Reg::R4, kRow);
  out_.alu(Alu::Lsh, Reg::R4, 2);
  out_.move(Reg::R3, Reg::R4);
  out_.alu(Alu::Add, Reg::R3, kHash);
  load_region(Reg::R5, region.places_offset());
  out_.alu(Alu::Add, Reg::R4, Reg::R5);
  out_.load(Size::Double, Reg::R5, kFrame, kPositionSlot);
  load_region(Reg::R2, region.index_offset());
  out_.alu(Alu::Add, Reg::R2, Reg::R5);
  out_.alu(Alu::Rsh, Reg::R5, 2);
  out_.alu(Alu::Add, Reg::R5, 1);
  out_.move(Reg::R1, Reg::R5);
  out_.load_immediate(Reg::R0, RegionLayout::kUnpublished);
  out_.alu(Alu::Or, Reg::R5, Reg::R0);
  store_release(context_, Size::Word, Reg::R4, 0, Reg::R5);
  out_.load_immediate(Reg::R0, 0);
  out_.atomic(Atomic::CompareExchange, Size::Word, Reg::R2, 0, Reg::R3);
  out_.jump_if(Cond::Ne, Reg::R0, 0, lost);
  out_.store(Size::Word, Reg::R4, 0, Reg::R1);
  out_.jump(inserted);
  out_.place(lost);
}

/// Puts an id that was taken in vain on the stack of those that are free.
void Rows::give_back(Label done) {
  const RegionLayout& region = metric_.store.region;
  const Label again = out_.new_label();
  out_.comment("an id taken in vain?");
  out_.load(Size::Double, Reg::R1, kFrame, kHeldSlot);
  out_.jump_if(Cond::Eq, Reg::R1, 0, done);
  out_.comment("give it back");
  out_.move(Reg::R2, Reg::R1);
  out_.alu(Alu::Sub, Reg::R2, 1);
  out_.jump_if(Cond::Ge, Reg::R2, region.capacity, done);
  out_.alu(Alu::Lsh, Reg::R2, 2);
  load_region(Reg::R3, region.places_offset());
  out_.alu(Alu::Add, Reg::R3, Reg::R2);
  out_.store_immediate(Size::Word, Reg::R3, 0, 0);
  load_region(Reg::R5, region.links_offset());
  out_.alu(Alu::Add, Reg::R5, Reg::R2);
  load_region(Reg::R4, 0);
  out_.store_immediate(Size::Double, kFrame, kProbeSlot, 0);
  out_.place(again);
  out_.load(Size::Double, Reg::R0, Reg::R4, region.free_offset());
  out_.move(Reg::R2, Reg::R0);
  out_.alu(Alu::And, Reg::R2, RegionLayout::kMostIds);
  out_.store(Size::Word, Reg::R5, 0, Reg::R2);
  out_.move(Reg::R3, Reg::R0);
  out_.alu(Alu::Sub, Reg::R3, Reg::R2);
  out_.alu(Alu::Add, Reg::R3, Reg::R1);
  out_.load_immediate(Reg::R2, static_cast<std::int64_t>(RegionLayout::kChange + RegionLayout::kOneFree));
  out_.alu(Alu::Add, Reg::R3, Reg::R2);
  out_.move(Reg::R2, Reg::R0);
  out_.atomic(Atomic::CompareExchange, Size::Double, Reg::R4, region.free_offset(), Reg::R3);
  out_.jump_if(Cond::Eq, Reg::R0, Reg::R2, done);
  // The verifier wants an end: after so many attempts the id is lost to the table. Each attempt in vain means that another
  // CPU's went through.
  count_up(kProbeSlot);
  out_.jump_if(Cond::Lt, Reg::R2, kGiveBackAttempts, again);
}

/// kRow = the row `other`, and why is counted.
void Rows::other(Label full, Label busy, Label done) {
  const std::int64_t row = metric_.store.region.other_row();
  out_.place(full);
  count_lost(LostReason::OtherFull);
  out_.load_immediate(kRow, row);
  out_.jump(done);
  out_.place(busy);
  count_lost(LostReason::OtherBusy);
  out_.load_immediate(kRow, row);
  out_.jump(done);
}

void Rows::hash() {
  const RegionLayout& region = metric_.store.region;
  const Label have = out_.new_label();
  const Label full = out_.new_label();
  const Label busy = out_.new_label();
  const Label other_row = out_.new_label();
  const Label no_cpu = out_.new_label();
  const auto look_up = [&] {
    out_.load_map(Reg::R1, {metric_.hash_map, {}});
    out_.move(Reg::R2, kFrame);
    out_.alu(Alu::Add, Reg::R2, kKey);
    out_.call(BPF_FUNC_map_lookup_elem);
    out_.move(kRow, Reg::R0);
    out_.jump_if(Cond::Ne, Reg::R0, 0, have);
  };
  out_.comment("look the key up");
  look_up();
  out_.comment("insert it");
  out_.load_map(Reg::R1, {metric_.hash_map, {}});
  out_.move(Reg::R2, kFrame);
  out_.alu(Alu::Add, Reg::R2, kKey);
  load_region(Reg::R3, region.values_offset());
  out_.load_immediate(Reg::R4, BPF_NOEXIST);
  out_.call(BPF_FUNC_map_update_elem);
  out_.store(Size::Double, kFrame, kProbeSlot, Reg::R0);
  look_up();
  // On Linux 5.10 and 6.1 only the lower half of R0 is the helper's int.
  out_.load(Size::Word, Reg::R0, kFrame, kProbeSlot);
  out_.alu32(Alu::Add, Reg::R0, E2BIG);
  out_.jump_if(Cond::Eq, Reg::R0, 0, full);
  out_.jump(busy);
  other(full, busy, other_row);
  out_.place(other_row);
  address_of_row(no_cpu);
  out_.jump(have);
  out_.place(no_cpu);
  load_region(kRow, region.values_offset() + region.value_stride());
  out_.place(have);
}

}  // namespace tpx::codegen
