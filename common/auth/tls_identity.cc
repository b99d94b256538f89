#include "common/auth/tls_identity.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

absl::Status BadIdentity(const std::string& path, std::string_view what) {
  ERR_clear_error();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
               fmt::format("{}: {}", path, what));
}

OpenSslPtr<BIO> Over(const std::string& text) {
  return OpenSslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Certificates are no secret: whoever likes may read them.
absl::StatusOr<std::vector<OpenSslPtr<X509>>> ReadCertificates(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && text.empty()) return BadIdentity(path, "cannot be read, or is empty");
  const OpenSslPtr<BIO> bio = Over(text);
  std::vector<OpenSslPtr<X509>> certificates;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(one);
  }
  ERR_clear_error();  // where the text ended
  if (certificates.empty()) return BadIdentity(path, "has no certificate in PEM");
  return certificates;
}

// A key with a password would have nobody to ask for it.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<OpenSslPtr<EVP_PKEY>> ReadKey(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(path));
  const OpenSslPtr<BIO> bio = Over(text);
  OpenSslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return BadIdentity(path, "has no private key in PEM, without a password");
  return key;
}

std::vector<FileMark> MarksOf(const TlsFiles& files) {
  return {MarkOf(files.certificate_file), MarkOf(files.key_file), MarkOf(files.client_ca_file)};
}

}  // namespace

absl::StatusOr<TlsIdentity> ReadTlsIdentity(const TlsFiles& files) {
  TlsIdentity identity;
  KITH_ASSIGN_OR_RETURN(identity.chain, ReadCertificates(files.certificate_file));
  KITH_ASSIGN_OR_RETURN(identity.key, ReadKey(files.key_file));
  if (X509_check_private_key(identity.chain.front().get(), identity.key.get()) != 1) {
    return BadIdentity(files.key_file, "is not the key of " + files.certificate_file);
  }
  if (files.client_ca_file.empty()) return identity;
  KITH_ASSIGN_OR_RETURN(const auto authorities, ReadCertificates(files.client_ca_file));
  identity.clients.reset(X509_STORE_new());
  for (const auto& one : authorities) X509_STORE_add_cert(identity.clients.get(), one.get());
  return identity;
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  KITH_ASSIGN_OR_RETURN(const TlsIdentity identity, ReadTlsIdentity(files));
  const X509* const own = identity.chain.front().get();
  if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
    return BadIdentity(files.certificate_file, "is not good yet: is this machine's clock right?");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
    return BadIdentity(files.certificate_file, "has expired: replace it");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WatchedIdentity>> WatchedIdentity::Open(const TlsFiles& files) {
  KITH_RETURN_IF_ERROR(CheckTlsFiles(files));
  auto watched = std::unique_ptr<WatchedIdentity>(new WatchedIdentity(files));
  watched->marks_ = MarksOf(files);
  KITH_ASSIGN_OR_RETURN(TlsIdentity identity, ReadTlsIdentity(files));
  watched->identity_ = std::make_shared<const TlsIdentity>(std::move(identity));
  return watched;
}

std::shared_ptr<const TlsIdentity> WatchedIdentity::Current() {
  std::lock_guard lock(mutex_);
  const Deadline now = DeadlineIn(std::chrono::seconds(0));
  if (now < looked_ + kLookEvery) return identity_;
  looked_ = now;
  std::vector<FileMark> marks = MarksOf(files_);
  if (marks == marks_) return identity_;
  absl::StatusOr<TlsIdentity> read = ReadTlsIdentity(files_);
  if (!read.ok()) return identity_;  // looked at again with the next handshake
  marks_ = std::move(marks);
  identity_ = std::make_shared<const TlsIdentity>(*std::move(read));
  return identity_;
}

int WatchedIdentity::SetUp(SSL* connection, void* self) {
  const auto identity = static_cast<WatchedIdentity*>(self)->Current();
  SSL_certs_clear(connection);
  bool good = SSL_use_certificate(connection, identity->chain.front().get()) == 1 &&
              SSL_use_PrivateKey(connection, identity->key.get()) == 1;
  for (size_t i = 1; good && i < identity->chain.size(); ++i) {
    good = SSL_add1_chain_cert(connection, identity->chain[i].get()) == 1;
  }
  if (good && identity->clients != nullptr) {
    SSL_set_verify(connection, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    good = SSL_set1_verify_cert_store(connection, identity->clients.get()) == 1;
  }
  return good ? 1 : 0;
}

void WatchedIdentity::Install(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A session that is taken up again would keep a client in whose certificate is no longer good.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_cert_cb(context, SetUp, this);
}

}  // namespace kith::auth
