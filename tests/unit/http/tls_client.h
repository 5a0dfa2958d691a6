#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <string>

#include "unit/http/http_client.h"

namespace tpx::test {

/// A key and certificate made for one test, signed by `issuer` or by itself.
class Identity {
 public:
  /// `names`: subject alternative names as OpenSSL writes them, such as `DNS:a.test,IP:127.0.0.1`.
  explicit Identity(const std::string& name, const Identity* issuer = nullptr, const std::string& names = {})
      : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free), certificate_(X509_new(), &X509_free) {
    static long serial = 1;
    X509* x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               static_cast<const unsigned char*>(static_cast<const void*>(name.c_str())), -1, -1, 0);
    const Identity& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(x, X509_get_subject_name(signer.certificate_.get()));
    if (issuer == nullptr) {
      X509_EXTENSION* ca = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(x, ca, -1);
      X509_EXTENSION_free(ca);
    }
    if (!names.empty()) {
      X509_EXTENSION* alternatives = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
      X509_add_ext(x, alternatives, -1);
      X509_EXTENSION_free(alternatives);
    }
    X509_sign(x, signer.key_.get(), EVP_sha256());
  }

  [[nodiscard]] std::string certificate() const {
    return pem([this](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
  }
  [[nodiscard]] std::string key() const {
    return pem([this](BIO* bio) { PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  void use(SSL_CTX* context) const {
    SSL_CTX_use_certificate(context, certificate_.get());
    SSL_CTX_use_PrivateKey(context, key_.get());
  }

 private:
  template <class Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    write(bio.get());
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(length)};
  }
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// The plain client over TLS. Throws when the handshake fails.
class TlsClient : public Client {
 public:
  explicit TlsClient(std::uint16_t port, const Identity* identity = nullptr, int max_version = TLS1_3_VERSION)
      : Client(port), context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), ssl_(nullptr, &SSL_free) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    if (identity != nullptr) {
      identity->use(context_.get());
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), descriptor());
    if (SSL_connect(ssl_.get()) != 1) {
      ERR_clear_error();
      throw std::runtime_error("TLS handshake failed");
    }
  }
  /// The common name of the server's certificate.
  [[nodiscard]] std::string server_name() const {
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()), &X509_free);
    char name[64] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof(name));
    return name;
  }

 protected:
  long read_some(char* bytes, std::size_t room) override {
    const int count = SSL_read(ssl_.get(), bytes, static_cast<int>(room));
    ERR_clear_error();
    return count;
  }
  long write_some(std::string_view text) override {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

}  // namespace tpx::test
