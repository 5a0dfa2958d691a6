#pragma once

#include <cstddef>
#include <functional>

namespace tpx {

/// Calls work(0) to work(count - 1), each once, on up to `threads` threads of which the caller is one; returns when all are
/// done. Fewer threads do it when the system has no more. `work` must not throw and must bear being called at once.
void for_each_index(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace tpx
