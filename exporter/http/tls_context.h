#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "base/error.h"
#include "config/web_config.h"

namespace tpx::http {

/// A server's side of TLS: certificate, versions, client authentication. Immutable once made; thread-safe, as OpenSSL's
/// SSL_CTX is.
using TlsContext = std::shared_ptr<SSL_CTX>;

/// Opens the certificate, key and CA. Fails with the file and the reason: missing, not PEM, a key of another
/// certificate, an unknown cipher suite.
[[nodiscard]] Result<TlsContext> make_tls_context(const config::WebTls& tls);

/// The oldest error in this thread's OpenSSL queue as text, and empties the queue.
[[nodiscard]] std::string take_tls_error();

}  // namespace tpx::http
