#pragma once

#include <string_view>

#include "exposition/text_writer.h"

namespace tpx::exposition {

/// What a client gets.
struct Negotiated {
  TextFormat format = TextFormat::Prometheus;
  std::string_view content_type;  ///< for the Content-Type header; static text
  bool gzip = false;
};

/// Chooses by the request's Accept and Accept-Encoding headers (empty: absent), as RFC 9110 weighs them and as
/// client_golang does: of what the client takes, what it likes best, the first of equals; text 0.0.4 where nothing fits.
/// OpenMetrics must be asked for by name, in version 1.0.0 or none. Never fails, whatever the headers hold.
[[nodiscard]] Negotiated negotiate(std::string_view accept, std::string_view accept_encoding);

/// The Content-Type of a format.
[[nodiscard]] std::string_view content_type(TextFormat format);

}  // namespace tpx::exposition
