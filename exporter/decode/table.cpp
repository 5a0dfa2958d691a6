#include <algorithm>
#include <array>

#include "decode/decoder.h"
#include "decode/decoders/decoders.h"

namespace tpx::decode {

std::span<const Entry> table() {
  // In the order of the documentation.
  static const std::array kTable{
      decoders::symbol_entry(),      decoders::flags_entry(),     decoders::syscall_entry(),
      decoders::errno_entry(),       decoders::signal_entry(),    decoders::ksym_entry(),
      decoders::device_entry(),      decoders::ifname_entry(),    decoders::ip_entry(),
      decoders::user_entry(),        decoders::group_entry(),     decoders::hex_entry(),
      decoders::cgroup_path_entry(), decoders::container_entry(), decoders::pod_entry(),
      decoders::namespace_entry(),   decoders::map_entry(),       decoders::match_entry(),
  };
  return kTable;
}

bool decodes_cgroups(const schema::MetricSchema& metric) {
  const auto from_cgroup = [](const schema::DecoderCall& call) {
    return std::any_of(table().begin(), table().end(),
                       [&](const Entry& entry) { return entry.from_cgroup && entry.signature.name == call.name; });
  };
  return std::any_of(metric.key.fields.begin(), metric.key.fields.end(), [&](const schema::KeyField& field) {
    return std::any_of(field.decoders.begin(), field.decoders.end(), from_cgroup);
  });
}

std::vector<schema::DecoderSignature> signatures() {
  std::vector<schema::DecoderSignature> all;
  for (const Entry& entry : table()) {
    all.push_back(entry.signature);
  }
  return all;
}

}  // namespace tpx::decode
