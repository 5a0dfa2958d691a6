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

std::vector<plan::DecoderSignature> signatures() {
  std::vector<plan::DecoderSignature> all;
  for (const Entry& entry : table()) {
    all.push_back(entry.signature);
  }
  return all;
}

}  // namespace tpx::decode
