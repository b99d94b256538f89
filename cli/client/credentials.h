#ifndef KITH_CLI_CLIENT_CREDENTIALS_H_
#define KITH_CLI_CLIENT_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace kith::cli {

// What a server is told and asked for; from the environment, because everyone on a machine can read
// the arguments of a process. `kith --help` lists the variables.
struct Credentials {
  std::string key;          // empty: none
  std::string authorities;  // PEM, or empty for the system's, with TLS
  std::string certificate;  // PEM of this client, with mutual TLS
  std::string private_key;
  bool is_tls = false;
  bool sends_key_in_clear = false;  // the user said so
};

inline constexpr char kEnvironmentHelp[] =
    "Environment:\n"
    "  KITH_API_KEY_FILE          file with the key that the server asks for, or\n"
    "  KITH_API_KEY               the key itself\n"
    "  KITH_TLS_CA_FILE           speak TLS: whose certificates to believe (PEM), or `system`\n"
    "  KITH_TLS_CERTIFICATE_FILE  this client's certificate (PEM), where the server wants one\n"
    "  KITH_TLS_KEY_FILE          its private key (PEM)\n"
    "  KITH_KEY_IN_CLEAR=yes      send the key to another machine without TLS";

// Usage errors name the variable.
absl::StatusOr<Credentials> CredentialsFromEnvironment();

// A key goes to another machine by TLS, or where the user said that it may go in the clear; the
// error is a usage error.
absl::Status CheckMaySend(const Credentials& credentials, const std::string& endpoint);

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsOf(const Credentials& credentials);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_CREDENTIALS_H_
