#ifndef KITH_COMMON_AUTH_TLS_FILES_H_
#define KITH_COMMON_AUTH_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace kith::auth {

// The files of one port, in PEM; all empty: the port speaks plain text. Each is read again when it
// changes.
struct TlsFiles {
  std::string certificate_file;  // this process's certificate, then those that signed it
  std::string key_file;          // its private key
  std::string client_ca_file;  // whose certificates the other side must have; empty: it needs none

  bool is_on() const { return !certificate_file.empty(); }
  // Both sides must show a certificate.
  bool is_mutual() const { return is_on() && !client_ca_file.empty(); }
  bool operator==(const TlsFiles&) const = default;
};

// Whether a port can begin with them: they can be read, the key is private (as ReadPrivateFile) and
// fits the certificate, which is good at this moment. FAILED_PRECONDITION STORAGE naming the file.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_TLS_FILES_H_
