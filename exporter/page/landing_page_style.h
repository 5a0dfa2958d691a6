#pragma once

#include <string_view>

namespace tpx::page {

/// The style sheet of all pages: what stands between its <style> tags.
[[nodiscard]] std::string_view landing_page_style();

}  // namespace tpx::page
