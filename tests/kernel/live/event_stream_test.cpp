#include "live/event_stream.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "catch.h"
#include "decode/decoder.h"
#include "skip.h"

using namespace tpx;

namespace {

constexpr std::uint64_t kCalls = 1009;

void call() {
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    syscall(SYS_getppid);
  }
}

Result<live::EventStream> stream_of(const kernel::Kernel& kernel, std::uint32_t ring_bytes,
                                    std::optional<plan::AttachType> type) {
  plan::Options options;
  options.decoders = decode::signatures();
  options.force_attach = type;
  const std::string filter = "tid == " + std::to_string(gettid()) + " && args.id == " + std::to_string(SYS_getppid);
  return live::EventStream::open({"raw_syscalls/sys_exit", filter, {"ret"}}, kernel, options, ring_bytes);
}

}  // namespace

TEST_CASE("every event is read once, by either attach type", "[kernel]") {
  if (geteuid() != 0) {
    TPX_SKIP("needs root");
  }
  const auto kernel = kernel::running_kernel({});
  REQUIRE(kernel.has_value());
  for (const auto type : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    INFO(plan::name(type));
    auto stream = stream_of(*kernel, live::EventStream::kRingBytes, type);
    REQUIRE(stream.has_value());
    REQUIRE(stream->plan().point.type == type);
    REQUIRE(stream->attach().has_value());
    call();
    stream->detach();
    std::uint64_t right = 0;
    const std::size_t taken = stream->consume(2 * kCalls, [&](std::span<const std::byte> record) {
      std::int64_t result = 0;
      std::memcpy(&result, record.data() + stream->plan().columns[0].offset, sizeof result);
      right += result == getppid() && record.size() == stream->plan().record_bytes ? 1 : 0;
      return true;
    });
    REQUIRE(taken == kCalls);
    REQUIRE(right == kCalls);
    REQUIRE(stream->lost() == 0);
  }
}

TEST_CASE("what finds the buffer full is counted to the last event", "[kernel]") {
  if (geteuid() != 0) {
    TPX_SKIP("needs root");
  }
  const auto kernel = kernel::running_kernel({});
  REQUIRE(kernel.has_value());
  auto stream = stream_of(*kernel, 4096, std::nullopt);
  REQUIRE(stream.has_value());
  REQUIRE(stream->attach().has_value());
  call();
  stream->detach();
  const std::size_t kept = stream->consume(kCalls, [](std::span<const std::byte>) { return true; });
  REQUIRE(kept > 0);
  REQUIRE(kept < kCalls);
  REQUIRE(kept + stream->lost() == kCalls);
}
