#pragma once

#include <random>
#include <string>
#include <vector>

#include "kernel/btf.h"
#include "support/random_expression.h"

namespace tpx::test {

/// Random paths from the arguments of a raw tracepoint through the kernel's structures, each to something that an expression
/// may read: `args.next->cgroups->dfl_cgrp->kn->id`. At most `count`; the same state of `random` gives the same.
[[nodiscard]] std::vector<Leaf> random_chains(std::mt19937_64& random, const kernel::Btf& btf,
                                              const std::string& raw_tracepoint, std::size_t count);

}  // namespace tpx::test
