#pragma once

#include "kernel/kernel.h"
#include "schema/metric_schema.h"

namespace tpx::live {

/// The decoder that shows a field as the kernel's own output does, or better: its symbolic names, an address, a device, a
/// function. An empty name where the number or string says all.
[[nodiscard]] schema::DecoderCall decoder_for(const kernel::Field& field, const kernel::Format& format,
                                              const kernel::Kernel& kernel);

}  // namespace tpx::live
