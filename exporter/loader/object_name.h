#pragma once

#include <string>
#include <string_view>

namespace tpx::loader {

/// A name the kernel takes for a map or program: at most 15 of [A-Za-z0-9_.] (BPF_OBJ_NAME_LEN). The namespace that all our
/// metrics share is dropped, so that bpftool shows what differs.
[[nodiscard]] std::string object_name(std::string_view name);

}  // namespace tpx::loader
