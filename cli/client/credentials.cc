#include "cli/client/credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "cli/console/terminal.h"
#include "common/auth/access_key.h"
#include "common/auth/private_file.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr char kKey[] = "KITH_API_KEY";
constexpr char kKeyFile[] = "KITH_API_KEY_FILE";
constexpr char kAuthorities[] = "KITH_TLS_CA_FILE";
constexpr char kCertificate[] = "KITH_TLS_CERTIFICATE_FILE";
constexpr char kPrivateKey[] = "KITH_TLS_KEY_FILE";
constexpr char kInClear[] = "KITH_KEY_IN_CLEAR";

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

absl::StatusOr<std::string> ReadKey() {
  const std::string key = Variable(kKey);
  const std::string file = Variable(kKeyFile);
  if (file.empty()) return Trimmed(key);
  if (!key.empty()) return UsageError(kKey, fmt::format("is set beside {}; set one", kKeyFile));
  const absl::StatusOr<std::string> text = auth::ReadPrivateFile(file);
  if (!text.ok()) return UsageError(kKeyFile, std::string(text.status().message()));
  return Trimmed(*text);
}

absl::StatusOr<std::string> ReadPem(const char* name) {
  const std::string path = Variable(name);
  if (path.empty()) return std::string();
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty()) return UsageError(name, fmt::format("{} cannot be read, or is empty", path));
  return text;
}

bool IsLoopback(const std::string& endpoint) {
  const std::string host = endpoint.substr(0, endpoint.rfind(':'));
  const bool is_v4 =
      host.compare(0, 4, "127.") == 0 && host.find_first_not_of("0123456789.") == std::string::npos;
  return is_v4 || host == "localhost" || host == "[::1]";
}

}  // namespace

absl::StatusOr<Credentials> CredentialsFromEnvironment() {
  Credentials credentials;
  KITH_ASSIGN_OR_RETURN(credentials.key, ReadKey());
  if (!credentials.key.empty() && !auth::ParsePresentedKey(credentials.key).has_value()) {
    return UsageError(Variable(kKeyFile).empty() ? kKey : kKeyFile,
                      "is no key: those look like kith_ID_ and 64 digits of hex");
  }
  credentials.sends_key_in_clear = Variable(kInClear) == "yes";
  credentials.is_tls = !Variable(kAuthorities).empty();
  if (credentials.is_tls && Variable(kAuthorities) != "system") {
    KITH_ASSIGN_OR_RETURN(credentials.authorities, ReadPem(kAuthorities));
  }
  KITH_ASSIGN_OR_RETURN(credentials.certificate, ReadPem(kCertificate));
  KITH_ASSIGN_OR_RETURN(credentials.private_key, ReadPem(kPrivateKey));
  if (credentials.certificate.empty() != credentials.private_key.empty()) {
    return UsageError(kCertificate, fmt::format("and {} go together", kPrivateKey));
  }
  if (!credentials.certificate.empty() && !credentials.is_tls) {
    return UsageError(kCertificate, fmt::format("needs {}: a file, or `system`", kAuthorities));
  }
  return credentials;
}

absl::Status CheckMaySend(const Credentials& credentials, const std::string& endpoint) {
  const bool is_safe = credentials.key.empty() || credentials.is_tls ||
                       credentials.sends_key_in_clear || IsLoopback(endpoint);
  if (is_safe) return absl::OkStatus();
  return UsageError("--endpoint",
                    fmt::format("the key would go to {} in the clear. Set {} to speak TLS, or "
                                "{}=yes where the network itself is trusted",
                                endpoint, kAuthorities, kInClear));
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsOf(const Credentials& credentials) {
  if (!credentials.is_tls) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials(
      {credentials.authorities, credentials.private_key, credentials.certificate});
}

}  // namespace kith::cli
