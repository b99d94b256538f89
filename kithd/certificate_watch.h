#ifndef KITH_KITHD_CERTIFICATE_WATCH_H_
#define KITH_KITHD_CERTIFICATE_WATCH_H_

#include <string>
#include <vector>

#include "common/auth/private_file.h"
#include "common/auth/tls_files.h"
#include "common/config/server_config.h"

namespace kith::kithd {

// Says in the log what becomes of the ports' certificates when their files change: the ports take
// them up by themselves, without a word. Threads: one at a time.
class CertificateWatch {
 public:
  explicit CertificateWatch(const config::ServerConfig& config);
  // Looks for changes. One is judged once the files have been the same for two looks: certificate
  // and key are replaced one after the other.
  void Look();

 private:
  struct Port {
    std::string field;  // "grpc.tls"
    auth::TlsFiles files;
    std::vector<auth::FileMark> marks;
    bool has_changed = false;  // since it was judged
  };
  static void LookAt(Port& port);

  std::vector<Port> ports_;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_CERTIFICATE_WATCH_H_
