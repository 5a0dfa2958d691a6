#include "kernel/support/mapped_fields.h"

#include "kernel/support/session.h"
#include "typed/field_table.h"

namespace tpx::test {
namespace {

constexpr std::size_t kFields = 6;  ///< of one comparison: they make up one key

}  // namespace

std::vector<Compared> mapped_fields(const std::string& event, const std::string& filter, std::uint64_t at_least) {
  const kernel::Kernel& kernel = this_kernel();
  const auto slash = event.find('/');
  const auto format = kernel.tracefs.format(event.substr(0, slash), event.substr(slash + 1));
  auto arguments = format ? kernel.btf->tracepoint(format->name) : std::nullopt;
  if (!arguments) {
    return {};
  }
  typed::Event raw{event};
  raw.btf = &*kernel.btf;
  raw.arguments = std::move(*arguments);
  const typed::RawNames names(raw, true);
  std::vector<Compared> compared;
  std::size_t fields = 0;
  for (const kernel::Field& field : format->fields) {
    if (!typed::map_field(field, names)) {
      continue;
    }
    const std::string label = "f_" + field.name + ": args." + field.name;
    if (fields % kFields == 0) {
      compared.push_back({event, label, filter, at_least});
    } else {
      compared.back().fields += ", " + label;
    }
    ++fields;
  }
  return compared;
}

std::vector<Compared> all_mapped(const std::vector<std::string>& events, const std::string& filter,
                                 std::uint64_t at_least) {
  std::vector<Compared> all;
  for (const std::string& event : events) {
    const auto some = mapped_fields(event, filter, at_least);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace tpx::test
