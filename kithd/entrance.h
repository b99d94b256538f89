#ifndef KITH_KITHD_ENTRANCE_H_
#define KITH_KITHD_ENTRANCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/auth/audit_log.h"
#include "common/auth/key_store.h"
#include "common/config/server_config.h"
#include "common/rpc/call_gate.h"
#include "kithd/surroundings.h"

namespace kith::kithd {

// Who comes in at the clients' ports: the keys and the audit log of the configuration, which a
// gate asks. Threads: any; Refresh one at a time.
class Entrance {
 public:
  // As KeyStore::Open and AuditLog::Open.
  static absl::StatusOr<std::unique_ptr<Entrance>> Open(const config::AuthConfig& config,
                                                        const Surroundings& around);

  rpc::CallGateOptions gate_options() const;
  // Takes up what has changed of the files, and logs it.
  void Refresh();

 private:
  explicit Entrance(const Surroundings& around) : around_(around) {}
  const Surroundings around_;
  std::unique_ptr<auth::KeyStore> keys_;   // nullptr: none configured
  std::unique_ptr<auth::AuditLog> audit_;  // nullptr: none configured
  bool is_audit_well_ = true;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_ENTRANCE_H_
