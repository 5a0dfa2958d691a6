#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tpx::test {

/// Both attach types at once over one piece of work, all the event's rows as labels: checks that both say the same, and of
/// at least so many events. `fields` is YAML: `pid: args.pid, comm: args.comm`.
void compare(const std::string& event, const std::string& fields, const std::string& filter,
             const std::function<void()>& work, std::uint64_t at_least);

}  // namespace tpx::test
