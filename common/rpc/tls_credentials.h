#ifndef KITH_COMMON_RPC_TLS_CREDENTIALS_H_
#define KITH_COMMON_RPC_TLS_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "common/auth/tls_files.h"

// TLS by files that gRPC reads again every second; plain text where there are none. Connections
// that are open stay as they are.
namespace kith::rpc {

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const auth::TlsFiles& files);

// Of a node that calls another with its own certificate: client_ca_file says whose certificates it
// believes.
std::shared_ptr<grpc::ChannelCredentials> NodeCredentialsOf(const auth::TlsFiles& files);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_TLS_CREDENTIALS_H_
