#include "live/cgroup_watch.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

namespace tpx::live {

namespace {

/// The id of the root of cgroup v2 (fs/kernfs: the inode number of its root).
constexpr std::uint64_t kRootId = 1;

std::string_view text_of(std::span<const std::byte> bytes) {
  const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return whole.substr(0, whole.find('\0'));
}

}  // namespace

Result<std::unique_ptr<CgroupWatch>> CgroupWatch::start(std::shared_ptr<decode::CgroupIndex> index,
                                                        const kernel::Kernel& kernel, const plan::Options& options) {
  if (index->path(kRootId) != "/") {
    return fail("the hierarchy of cgroup v2 is not mounted from its root");
  }
  plan::EventRequest request;
  request.tracepoint = "cgroup/cgroup_mkdir";
  request.filter = "args.root == 0";  // cgroup v2
  request.fields = {"args.id", "str(args.path, 255)"};
  auto stream = EventStream::open(request, kernel, options, kRingBytes);
  if (!stream) {
    return fail(std::move(stream.error()));
  }
  auto watch = std::unique_ptr<CgroupWatch>(new CgroupWatch(std::move(index), std::move(*stream)));
  if (auto attached = watch->stream_.attach(); !attached) {
    return fail(std::move(attached.error()));
  }
  return watch;
}

void CgroupWatch::learn() {
  const std::scoped_lock lock(mutex_);
  const plan::EventColumn& id = stream_.plan().columns.front();
  const plan::EventColumn& path = stream_.plan().columns.back();
  stream_.consume(std::numeric_limits<std::size_t>::max(), [&](std::span<const std::byte> record) {
    std::uint64_t number = 0;
    std::memcpy(&number, record.data() + id.offset, sizeof number);
    const std::string_view text = text_of(record.subspan(path.offset, path.type.size));
    // One that fills its room may be longer.
    if (text.size() + 1 < path.type.size) {
      index_->learn(number, text);
    }
    return true;
  });
}

}  // namespace tpx::live
