#pragma once

#include "kernel/kernel.h"
#include "plan/metric_plan.h"

namespace tpx::live {

/// The decoder that shows a field as the kernel's own output does, or better: its symbolic names, an address, a device, a
/// function. An empty name where the number or string says all.
[[nodiscard]] plan::DecoderCall decoder_for(const kernel::Field& field, const kernel::Format& format,
                                            const kernel::Kernel& kernel);

}  // namespace tpx::live
