#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/kernel.h"
#include "typed/raw_names.h"

namespace tpx::typed {

/// How a format field is had from the arguments of the raw tracepoint, in the words of the configuration language.
/// Kernels differ, so a field may have several rows: the first that the running kernel's BTF takes is used. Each row is
/// proved by a test that runs both attach types over one workload.
/// See docs/design/attachment.md.
struct FieldRow {
  std::string_view event;  ///< `category/name`; a trailing `*` takes all that begin so
  std::string_view field;
  std::string_view expression;  ///< over the arguments of the raw tracepoint of the same name
  std::uint32_t bytes = 0;      ///< the row is for records whose field has so many bytes; 0: any
  std::string_view needs{};     ///< the row is for kernels whose BTF has this enumerator; empty: any
};

/// All rows, by subsystem; rows of an event stand together, the more exact event first.
[[nodiscard]] std::span<const std::span<const FieldRow>> field_table();

/// The field of a Mapped scope's event, bound by one row; an error when the row is not for this kernel's record or arguments.
[[nodiscard]] Result<TypedExprPtr> bind_field_row(const FieldRow& row, const kernel::Field& field, const RawNames& raw);

/// The field of a Mapped scope's event, bound to the raw arguments; an error when no row fits.
[[nodiscard]] Result<TypedExprPtr> map_field(const kernel::Field& field, const RawNames& raw);

/// Field N of a syscalls/sys_enter_* record (0 is the first argument of the call), or of raw_syscalls/sys_enter's args[N],
/// as an expression over the arguments of raw sys_enter. Empty beyond the sixth or on an architecture without a row.
[[nodiscard]] std::string_view syscall_argument(unsigned index);

/// The system call's number at raw sys_exit (`orig_ax` and so on), as an expression over its arguments.
[[nodiscard]] std::string_view syscall_number_at_exit();

/// Not 0 in a 32-bit system call on a 64-bit kernel, which the syscalls/* events leave out (trace_get_syscall_nr in
/// kernel/trace/trace_syscalls.c); null where the kernel has no such calls.
[[nodiscard]] TypedExprPtr compat_call(const kernel::Btf& btf);

}  // namespace tpx::typed
