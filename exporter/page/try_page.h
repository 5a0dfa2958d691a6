#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "kernel/kernel.h"
#include "page/layout.h"
#include "page/sources.h"

namespace tpx::page {

/// What `check` would say of a configuration.
struct Verdict {
  std::string errors;    ///< as `check` prints them, with source lines; "": it would be served
  std::string warnings;  ///< likewise
  std::string summary;   ///< each metric: attach, store, memory, cost, estimate of its series
  std::string note;      ///< why the kernel's verifier was not asked; may be ""
};

/// Plans `text` for `kernel` and loads its programs without attaching them. BPF object files are refused, as are
/// configurations whose maps take more than 64 MiB or that need more than 64 programs: they are planned only.
[[nodiscard]] Verdict try_configuration(const std::string& text, const kernel::Kernel& kernel);

/// The page with the text, and the verdict where there is one.
[[nodiscard]] std::string try_page(const PageInfo& info, const std::string& text, const Verdict* verdict);

/// The handler of `/try?yaml=TEXT`, at most 8 KiB of it. Requests that another site's page made are refused.
[[nodiscard]] http::Handler try_page_handler(const Sources& sources);

}  // namespace tpx::page
