#include "codegen/updates.h"

#include <limits>

namespace tpx::codegen {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;

void Updates::update(bool one) {
  switch (metric_.value.kind) {
    case schema::MetricKind::Counter:
      in_lane([&](bool atomic) { counter(one, atomic); });
      break;
    case schema::MetricKind::Gauge:
      gauge();
      break;
    case schema::MetricKind::Histogram:
      histogram();
      break;
  }
}

/// What `add` generates; twice where some CPUs own the row that was found and others share it.
void Updates::in_lane(const std::function<void(bool atomic)>& add) {
  const schema::RegionLayout& region = metric_.store.region;
  if (metric_.store.atomic || region.lane_rule != schema::LaneRule::SharedLast) {
    add(metric_.store.atomic);
    return;
  }
  const Label shared = out_.new_label();
  const Label done = out_.new_label();
  const std::uint64_t last = (std::uint64_t{region.lanes} - 1) * region.lane_stride();
  out_.jump_if(Cond::Eq, Reg::R0, static_cast<std::int64_t>(last), shared);
  add(false);
  out_.jump(done);
  out_.place(shared);
  out_.comment("in the row that other CPUs share");
  add(true);
  out_.place(done);
}

void Updates::counter(bool one, bool atomic) {
  out_.comment("add");
  if (one && !atomic) {
    out_.load(Size::Double, Reg::R2, kRow, 0);
    out_.alu(Alu::Add, Reg::R2, 1);
    out_.store(Size::Double, kRow, 0, Reg::R2);
    return;
  }
  if (one) {
    out_.load_immediate(Reg::R1, 1);
  } else {
    out_.load(Size::Double, Reg::R1, kFrame, kValueSlot);
  }
  if (atomic) {
    out_.atomic(Atomic::Add, Size::Double, kRow, 0, Reg::R1);
    return;
  }
  out_.load(Size::Double, Reg::R2, kRow, 0);
  out_.alu(Alu::Add, Reg::R2, Reg::R1);
  out_.store(Size::Double, kRow, 0, Reg::R2);
}

void Updates::gauge() {
  out_.comment("set");
  out_.load(Size::Double, Reg::R1, kFrame, kValueSlot);
  out_.store(Size::Double, kRow, 0, Reg::R1);
  out_.store_immediate(Size::Double, kRow, 8, 1);
}

/// R1 holds the value; R2 becomes the number of the first bucket whose bound is not below it, within [first, last].
void Updates::find_bucket(std::size_t first, std::size_t last, Label found) {
  if (first == last) {
    out_.load_immediate(Reg::R2, static_cast<std::int64_t>(first));
    out_.jump(found);
    return;
  }
  const std::size_t middle = first + (last - first) / 2;
  const std::int64_t bound = metric_.value.bounds[middle];
  const Label above = out_.new_label();
  const Cond greater = metric_.value.is_signed ? Cond::SGt : Cond::Gt;
  if (bound >= std::numeric_limits<std::int32_t>::min() && bound <= std::numeric_limits<std::int32_t>::max() &&
      (metric_.value.is_signed || bound >= 0)) {
    out_.jump_if(greater, Reg::R1, bound, above);
  } else {
    out_.load_immediate(Reg::R3, bound);
    out_.jump_if(greater, Reg::R1, Reg::R3, above);
  }
  find_bucket(first, middle, found);
  out_.place(above);
  find_bucket(middle + 1, last, found);
}

void Updates::histogram() {
  const Label found = out_.new_label();
  out_.comment("bucket");
  out_.load(Size::Double, Reg::R1, kFrame, kValueSlot);
  find_bucket(metric_.value.unreachable, metric_.value.bounds.size(), found);
  out_.place(found);
  out_.alu(Alu::Lsh, Reg::R2, 3);
  out_.move(Reg::R3, kRow);
  out_.alu(Alu::Add, Reg::R3, Reg::R2);
  in_lane([&](bool atomic) { observe(atomic); });
}

/// R1 holds the value, R3 the address of its bucket.
void Updates::observe(bool atomic) {
  if (atomic) {
    out_.load_immediate(Reg::R2, 1);
    out_.atomic(Atomic::Add, Size::Double, Reg::R3, 0, Reg::R2);
  } else {
    out_.load(Size::Double, Reg::R2, Reg::R3, 0);
    out_.alu(Alu::Add, Reg::R2, 1);
    out_.store(Size::Double, Reg::R3, 0, Reg::R2);
  }
  add_sum(atomic);
}

/// A 128-bit two's complement sum: the upper word changes only when the lower one wraps.
void Updates::add_sum(bool atomic) {
  const std::int64_t low = 8 * (static_cast<std::int64_t>(metric_.value.bounds.size()) + 1);
  const std::int64_t high = low + 8;
  const Label done = out_.new_label();
  const auto add_high = [&](std::int64_t by) {
    out_.load_immediate(Reg::R3, by);
    out_.atomic(Atomic::Add, Size::Double, kRow, high, Reg::R3);
  };
  out_.comment("sum");
  if (atomic && context_.features.fetch_atomics) {
    out_.move(Reg::R2, Reg::R1);
    out_.atomic(Atomic::FetchAdd, Size::Double, kRow, low, Reg::R2);
    out_.alu(Alu::Add, Reg::R2, Reg::R1);
  } else if (atomic) {
    // Before 5.12 no atomic gives the old value: a carry that two programs race for may be missed once in 2^64.
    out_.load(Size::Double, Reg::R2, kRow, low);
    out_.alu(Alu::Add, Reg::R2, Reg::R1);
    out_.atomic(Atomic::Add, Size::Double, kRow, low, Reg::R1);
  } else {
    out_.load(Size::Double, Reg::R2, kRow, low);
    out_.alu(Alu::Add, Reg::R2, Reg::R1);
    out_.store(Size::Double, kRow, low, Reg::R2);
  }
  if (metric_.value.is_signed) {
    const Label negative = out_.new_label();
    out_.jump_if(Cond::SLt, Reg::R1, 0, negative);
    out_.jump_if(Cond::Ge, Reg::R2, Reg::R1, done);
    add_high(1);
    out_.jump(done);
    out_.place(negative);
    out_.jump_if(Cond::Lt, Reg::R2, Reg::R1, done);
    add_high(-1);
  } else {
    out_.jump_if(Cond::Ge, Reg::R2, Reg::R1, done);
    add_high(1);
  }
  out_.place(done);
}

}  // namespace tpx::codegen
