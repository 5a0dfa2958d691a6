#pragma once

#include <string>

#include "http/message.h"
#include "page/layout.h"
#include "page/sources.h"

namespace tpx::page {

/// The page of the configuration in use: its files with numbered lines, when it was loaded, and why the last load failed.
/// Of all files together the first 512 KiB are shown.
[[nodiscard]] std::string config_page(const PageInfo& info, const service::LoadedConfiguration& configuration,
                                      const service::LoadAttempt& attempt);

/// The handler of `/config`.
[[nodiscard]] http::Handler config_page_handler(const Sources& sources);

}  // namespace tpx::page
