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
  /// Bytes of a table's values beyond which CPUs share rows; see choose_lanes().
  std::uint64_t largest_lanes = 32ULL << 20U;
  std::optional<std::uint32_t> own_lanes;     ///< for tests: plans as if so many CPUs were online
  std::optional<std::uint32_t> folded_lanes;  ///< for tests: all CPUs share so many rows, a power of two
};

/// Decides everything: what each metric's key and value look like, where it is kept, which programs count it and how they
/// are attached. Pure: reads formats and BTF, opens nothing else. A metric with an error is in `rejected`, the others are
/// planned. Deterministic. Of a configuration's incomplete metrics only the errors are
/// found.
[[nodiscard]] Plan make_plan(const config::Config& config, const kernel::Kernel& kernel, const Options& options);

/// Adds the bytes of one more metric's maps to Plan::map_bytes; an error, and nothing is added, where that would be more than
/// Plan::max_bytes.
[[nodiscard]] std::optional<Error> take_bytes(Plan& plan, const std::string& name, std::uint64_t bytes);

}  // namespace tpx::plan
