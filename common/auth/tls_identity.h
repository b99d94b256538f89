#ifndef KITH_COMMON_AUTH_TLS_IDENTITY_H_
#define KITH_COMMON_AUTH_TLS_IDENTITY_H_

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/private_file.h"
#include "common/auth/tls_files.h"
#include "common/base/clock.h"

namespace kith::auth {

struct FreeOpenSsl {
  void operator()(X509* one) const { X509_free(one); }
  void operator()(X509_STORE* one) const { X509_STORE_free(one); }
  void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
  void operator()(BIO* one) const { BIO_free(one); }
};
template <typename Type>
using OpenSslPtr = std::unique_ptr<Type, FreeOpenSsl>;

// What TlsFiles held at one moment.
struct TlsIdentity {
  std::vector<OpenSslPtr<X509>> chain;  // its own first
  OpenSslPtr<EVP_PKEY> key;
  OpenSslPtr<X509_STORE> clients;  // nullptr: they need no certificate
};

// FAILED_PRECONDITION STORAGE naming the file: it cannot be read or is no PEM, the key may be read
// by others or does not fit the certificate.
absl::StatusOr<TlsIdentity> ReadTlsIdentity(const TlsFiles& files);

// Gives every handshake of an OpenSSL server the identity that the files hold then. Of files that
// are wrong, or half replaced, the one before stays. Threads: any.
class WatchedIdentity {
 public:
  static absl::StatusOr<std::unique_ptr<WatchedIdentity>> Open(const TlsFiles& files);

  // TLS 1.2 and newer, with this identity; outlives the context.
  void Install(SSL_CTX* context);

 private:
  explicit WatchedIdentity(const TlsFiles& files) : files_(files) {}
  static int SetUp(SSL* connection, void* self);
  std::shared_ptr<const TlsIdentity> Current();

  const TlsFiles files_;
  std::mutex mutex_;
  std::shared_ptr<const TlsIdentity> identity_;
  std::vector<FileMark> marks_;
  Deadline looked_{};
};

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_TLS_IDENTITY_H_
