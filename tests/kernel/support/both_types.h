#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tpx::test {

/// Both attach types at once over one piece of work, all the event's rows as labels: checks that both say the same, but for
/// what the kernel says that either program missed, and of at least so many events. `fields` is YAML: `pid: args.pid`. Gives
/// the rows.
///
/// The two programs of one event run one after the other. What the event's arguments point to may change in between, where
/// another CPU may write it: `work` keeps these still. Known to be such: sched_switch's prev_state of a task that ends, which
/// is 32 (zombie) until its parent, on another CPU, reaps it, and 16 (dead) from then on.
std::map<std::string, std::uint64_t> compare(const std::string& event, const std::string& fields,
                                             const std::string& filter, const std::function<void()>& work,
                                             std::uint64_t at_least);

/// An event whose records and arguments are compared.
struct Compared {
  std::string event;
  std::string fields;  ///< YAML: `pid: args.pid`
  std::string filter;
  std::uint64_t at_least = 1;
};

/// compare() of several events over one piece of work; gives the rows of the first.
std::map<std::string, std::uint64_t> compare(const std::vector<Compared>& events, const std::function<void()>& work);

/// The same for events that meet any task: both count those of a while that begins when both are attached. An event at the
/// very edge may be within it for one of the two alone.
void compare_for_a_while(const std::string& event, const std::string& fields, std::uint64_t at_least);
/// The same for several events; their filters are left aside. `work` is done when both are attached.
void compare_for_a_while(const std::vector<Compared>& events, const std::function<void()>& work);

}  // namespace tpx::test
