#include "http/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/file.h"

namespace tpx::http {
namespace {

constexpr std::size_t kMaxPem = 1U << 20U;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

/// PEM text from a file or as given, with the name by which errors call it.
struct Pem {
  std::string text;
  std::string name;
  [[nodiscard]] Bio open() const { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }
};

Result<Pem> load(const std::string& file, const std::string& inline_text, const std::string& key) {
  if (file.empty()) {
    return Pem{inline_text, "the inline " + key};
  }
  auto text = read_file(file, kMaxPem);
  if (!text) {
    return fail(std::move(text).error().with_context(key + "_file: "));
  }
  return Pem{std::move(*text), file};
}

/// Every certificate of the text.
std::vector<Certificate> certificates(const Pem& pem) {
  std::vector<Certificate> all;
  const Bio bio = pem.open();
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(next);
  }
  ERR_clear_error();  // the end of the text is an "error" too
  return all;
}

Result<void> use_certificate(SSL_CTX* context, const config::WebTls& tls) {
  const auto pem = load(tls.cert_file, tls.cert, "cert");
  if (!pem) {
    return fail(pem.error());
  }
  auto chain = certificates(*pem);
  if (chain.empty()) {
    return fail(pem->name + " holds no PEM certificate");
  }
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    return fail("cannot use the certificate of " + pem->name + ": " + take_tls_error());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      return fail("cannot use the certificate chain of " + pem->name + ": " + take_tls_error());
    }
  }
  const auto key_pem = load(tls.key_file, tls.key, "key");
  if (!key_pem) {
    return fail(key_pem.error());
  }
  // An encrypted key would make OpenSSL ask on the terminal: the callback that gives no password makes it fail.
  const Key key(
      PEM_read_bio_PrivateKey(key_pem->open().get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  if (key == nullptr) {
    return fail(key_pem->name + " holds no unencrypted PEM private key: " + take_tls_error());
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return fail("the key of " + key_pem->name + " is not that of the certificate: " + take_tls_error());
  }
  return {};
}

Result<void> use_client_ca(SSL_CTX* context, const config::WebTls& tls) {
  if (tls.client_ca_file.empty() && tls.client_ca.empty()) {
    return {};
  }
  const auto pem = load(tls.client_ca_file, tls.client_ca, "client_ca");
  if (!pem) {
    return fail(pem.error());
  }
  const auto authorities = certificates(*pem);
  if (authorities.empty()) {
    return fail(pem->name + " holds no PEM certificate");
  }
  for (const Certificate& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return fail("cannot use the CA of " + pem->name + ": " + take_tls_error());
    }
  }
  return {};
}

int accept_any(int /*verified*/, X509_STORE_CTX* /*store*/) {
  return 1;
}

void set_client_auth(SSL_CTX* context, config::ClientAuth auth) {
  switch (auth) {
    case config::ClientAuth::NoClientCert:
      SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
      break;
    case config::ClientAuth::RequestClientCert:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
      break;
    case config::ClientAuth::RequireAnyClientCert:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
      break;
    case config::ClientAuth::VerifyClientCertIfGiven:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
      break;
    case config::ClientAuth::RequireAndVerifyClientCert:
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      break;
  }
}

/// Whether the certificate has one of the names, letter for letter: a DNS name, e-mail address, URI or IP address.
bool has_name(const X509* certificate, const std::vector<std::string>& names) {
  using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;
  const Names found(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
                    &GENERAL_NAMES_free);
  for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    int type = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &type));
    std::string text;
    if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI) {
      text.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                  static_cast<std::size_t>(ASN1_STRING_length(value)));
    } else if (type == GEN_IPADD) {
      std::array<char, INET6_ADDRSTRLEN> address{};
      const int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;
      const bool whole = ASN1_STRING_length(value) == 4 || ASN1_STRING_length(value) == 16;
      if (whole && ::inet_ntop(family, ASN1_STRING_get0_data(value), address.data(), address.size()) != nullptr) {
        text = address.data();
      }
    }
    if (!text.empty() && std::find(names.begin(), names.end(), text) != names.end()) {
      return true;
    }
  }
  return false;
}

/// In place of OpenSSL's own verification, which it begins with.
int verify_with_names(X509_STORE_CTX* store, void* names) {
  if (X509_verify_cert(store) <= 0) {
    return 0;
  }
  if (has_name(X509_STORE_CTX_get0_cert(store), *static_cast<const std::vector<std::string>*>(names))) {
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int version_number(config::TlsVersion version) {
  static constexpr std::array kNumbers = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
  return kNumbers.at(static_cast<std::size_t>(version));
}

/// The configuration has IANA names, as Go does; OpenSSL's own differ.
Result<std::string> cipher_list(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string list;
  const STACK_OF(SSL_CIPHER)* known = SSL_CTX_get_ciphers(context);
  for (const std::string& name : names) {
    bool found = false;
    for (int i = 0; i < sk_SSL_CIPHER_num(known); ++i) {
      const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(known, i);
      const char* standard = SSL_CIPHER_standard_name(cipher);
      if (standard != nullptr && name == standard) {
        list += (list.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(cipher));
        found = true;
      }
    }
    if (!found) {
      return fail("cipher suite " + name + " is not known to this OpenSSL");
    }
  }
  return list;
}

Result<void> set_algorithms(SSL_CTX* context, const config::WebTls& tls) {
  SSL_CTX_set_min_proto_version(context, version_number(tls.min_version));
  SSL_CTX_set_max_proto_version(context, version_number(tls.max_version));
  if (!tls.cipher_suites.empty()) {
    const auto list = cipher_list(context, tls.cipher_suites);
    if (!list) {
      return fail(list.error());
    }
    if (SSL_CTX_set_cipher_list(context, list->c_str()) != 1) {
      return fail("cannot use cipher_suites: " + take_tls_error());
    }
  }
  std::string curves;
  for (const std::string& curve : tls.curve_preferences) {
    const std::string name = curve == "X25519" ? curve : "P-" + curve.substr(curve.size() - 3);
    curves += (curves.empty() ? "" : ":") + name;
  }
  if (!curves.empty() && SSL_CTX_set1_groups_list(context, curves.data()) != 1) {
    return fail("cannot use curve_preferences: " + take_tls_error());
  }
  if (tls.prefer_server_cipher_suites) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  return {};
}

}  // namespace

std::string take_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) {
    return "no reason given";
  }
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

Result<TlsContext> make_tls_context(const config::WebTls& tls) {
  ERR_clear_error();
  const auto names = std::make_shared<std::vector<std::string>>(tls.client_allowed_sans);
  TlsContext context(SSL_CTX_new(TLS_server_method()), [names](SSL_CTX* c) { SSL_CTX_free(c); });
  if (context == nullptr) {
    return fail("cannot start TLS: " + take_tls_error());
  }
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Sessions of clients with certificates need an id context, or resuming them fails.
  static constexpr std::array<unsigned char, 3> kSessionId = {'t', 'p', 'x'};
  SSL_CTX_set_session_id_context(context.get(), kSessionId.data(), kSessionId.size());
  if (auto done = set_algorithms(context.get(), tls); !done) {
    return fail(std::move(done).error());
  }
  if (auto done = use_certificate(context.get(), tls); !done) {
    return fail(std::move(done).error());
  }
  if (auto done = use_client_ca(context.get(), tls); !done) {
    return fail(std::move(done).error());
  }
  set_client_auth(context.get(), tls.client_auth);
  if (!names->empty()) {
    SSL_CTX_set_cert_verify_callback(context.get(), verify_with_names, names.get());
  }
  return context;
}

}  // namespace tpx::http
