#include "loader/attach_slot.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "codegen/stub.h"
#include "loader/object_name.h"

namespace tpx::loader {

namespace {

constexpr __u32 kCounts = 0;
constexpr __u32 kTried = 1;

Result<void> update(int slot, __u32 element, int program, const plan::AttachPoint& point) {
  if (bpf_map_update_elem(slot, &element, &program, BPF_ANY) != 0) {
    return fail(os_failure("can't put a program into the slot of " + point.text(), errno));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<AttachSlot>> AttachSlot::make(const plan::AttachPoint& point) {
  std::shared_ptr<AttachSlot> made(new AttachSlot(point));
  made->slot_.reset(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, object_name(point.event).c_str(), 4, 4, 2, nullptr));
  if (!made->slot_.valid()) {
    return fail(os_failure("can't create the slot of " + point.text(), errno));
  }
  auto stub = LoadedProgram::load(point, "tpx_stub", codegen::generate_stub(point.type),
                                  [&](const std::string&) { return made->slot_.get(); });
  if (!stub) {
    return fail(std::move(stub.error()));
  }
  made->stub_ = std::move(*stub);
  return made;
}

std::shared_ptr<AttachSlot> AttachSlot::adopt(plan::AttachPoint point, UniqueFd slot, LoadedProgram stub) {
  std::shared_ptr<AttachSlot> adopted(new AttachSlot(std::move(point)));
  adopted->slot_ = std::move(slot);
  adopted->stub_ = std::move(stub);
  return adopted;
}

Result<void> AttachSlot::try_out(int program) const {
  return update(slot_.get(), kTried, program, point_);
}

void AttachSlot::forget() const {
  bpf_map_delete_elem(slot_.get(), &kTried);
}

Result<void> AttachSlot::put(int program) const {
  return update(slot_.get(), kCounts, program, point_);
}

}  // namespace tpx::loader
