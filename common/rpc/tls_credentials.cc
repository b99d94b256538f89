#include "common/rpc/tls_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace kith::rpc {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kLookEverySeconds = 1;

std::shared_ptr<FileWatcherCertificateProvider> Watch(const auth::TlsFiles& files) {
  return std::make_shared<FileWatcherCertificateProvider>(files.key_file, files.certificate_file,
                                                          files.client_ca_file, kLookEverySeconds);
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const auth::TlsFiles& files) {
  if (!files.is_on()) return grpc::InsecureServerCredentials();
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files));
  options.watch_identity_key_cert_pairs();
  if (files.is_mutual()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> NodeCredentialsOf(const auth::TlsFiles& files) {
  if (!files.is_on()) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace kith::rpc
