#include "catch.h"
#include "kernel/kernel.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

TEST_CASE("a kernel's features are probed once: known ones are taken as they are", "[kernel]") {
  kernel::Features known = this_kernel().features;
  known.ring_buffer = !known.ring_buffer;
  known.tp_btf_exact = !known.tp_btf_exact;
  const auto again = kernel::running_kernel(kernel::Paths{}, known);
  REQUIRE(again);
  CHECK(again->features.ring_buffer == known.ring_buffer);
  CHECK(again->features.tp_btf_exact == known.tp_btf_exact);
  CHECK(again->may_load);
  CHECK(again->btf.has_value() == this_kernel().btf.has_value());
}

}  // namespace
}  // namespace tpx::test
