#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "plan/program_plan.h"

namespace tpx::plan {

struct Options {
  std::vector<schema::DecoderSignature> decoders;
  std::optional<AttachType> force_attach;        ///< for diagnosis and for the tests that compare both
  std::optional<schema::StoreKind> force_store;  ///< Table or PerCpuHash, for metrics with labels
  /// Full names of metrics whose plain loads through kernel pointers the verifier refused: they get bpf_probe_read_kernel.
  std::set<std::string> probe_reads;
  /// A table larger than this becomes a per-CPU hash. The verifier takes no variable offset of 512 MiB or more. (A million
  /// series of pid and comm take 88 MiB on two CPUs, as a hash 107.)
  std::uint64_t largest_table = 256ULL << 20U;
};

/// Decides everything: what each metric's key and value look like, where it is kept, which programs count it and how they
/// are attached. Pure: reads formats and BTF, opens nothing else. A metric with an error is in `rejected`, the others are
/// planned. Deterministic. Of a configuration's incomplete metrics only the errors are
/// found.
[[nodiscard]] Plan make_plan(const config::Config& config, const kernel::Kernel& kernel, const Options& options);

}  // namespace tpx::plan
