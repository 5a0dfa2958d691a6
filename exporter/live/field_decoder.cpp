#include "live/field_decoder.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace tpx::live {

namespace {

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

schema::DecoderCall decoder_for(const kernel::Field& field, const kernel::Format& format,
                                const kernel::Kernel& kernel) {
  schema::DecoderCall call;
  if (field.is_string) {
    return call;
  }
  kernel::FieldNames names =
      kernel::resolve_names(kernel::names_of(format, field.name), kernel.btf ? &*kernel.btf : nullptr);
  const bool number = field.kind == kernel::Field::Kind::Integer;
  if (number && (!names.flags.empty() || !names.symbols.empty())) {
    call.name = names.flags.empty() ? "symbol" : "flags";
    call.field_names = std::make_shared<const kernel::FieldNames>(std::move(names));
    return call;
  }
  const bool address = one_of(field.name, {"saddr", "daddr", "saddr_v6", "daddr_v6"});
  if (address && (field.size == 4 || field.size == 16 || field.size == 28)) {
    call.name = "ip";
  } else if (number && field.type == "dev_t") {
    call.name = "device";
  } else if (number && format.category == "raw_syscalls" && field.name == "id") {
    call.name = "syscall";
  } else if (number && field.size == 8 &&
             (one_of(field.name, {"call_site", "caller", "caller_ip", "parent_ip", "location"}) ||
              (field.is_pointer && one_of(field.name, {"function", "func", "action", "handler", "callback"})))) {
    call.name = "ksym";
  }
  return call;
}

}  // namespace tpx::live
