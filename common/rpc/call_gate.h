#ifndef KITH_COMMON_RPC_CALL_GATE_H_
#define KITH_COMMON_RPC_CALL_GATE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/audit_log.h"
#include "common/auth/key_store.h"
#include "common/auth/quotas.h"
#include "common/base/clock.h"
#include "common/rpc/access_rules.h"
#include "common/telemetry/metrics.h"

namespace grpc {
class ServerContextBase;
}

namespace kith::rpc {

// Metadata of a call from within the process: the address of the client it is made for, such as
// "http:10.0.0.1:40000". Of any other call it is not believed.
inline constexpr char kForwardedPeer[] = "x-kith-peer";

// A call that was let in.
class AdmittedCall {
 public:
  // Whether its caller has the role for the collection; always where there are no keys.
  bool May(auth::Role role, std::string_view collection) const;
  // Once, when it has ended: for the audit log, where it administers.
  void Ended(const absl::Status& status) const;

 private:
  friend class CallGate;
  std::shared_ptr<const auth::KeySet> keys_;  // keeps key_ alive
  const auth::AccessKey* key_ = nullptr;      // nullptr: everyone may everything
  auth::AuditLog* audit_ = nullptr;           // nullptr: nothing to write
  auth::AuditRecord record_;
};

struct CallGateOptions {
  ResolveAlias resolve = [](const std::string& name) { return name; };
  const auth::KeyStore* keys = nullptr;  // nullptr: whoever reaches the port may everything
  auth::AuditLog* audit = nullptr;
  Clock* clock = nullptr;
  telemetry::Metrics* metrics = nullptr;
};

// Decides of every call for clients, before anything of it is looked at: whose it is (metadata
// `authorization: Bearer KEY` or `x-api-key: KEY`), whether its rule lets that key in, and whether
// the key's quota has room. Keys are for collections: an alias counts as what it stands for when
// the call comes. It sits where handlers begin, so calls from the HTTP port, which carry
// the same metadata, pass it too.
// Outlives the server; what its options name outlives it. Threads: any.
class CallGate {
 public:
  explicit CallGate(CallGateOptions options);

  // `method` is the method's own name; nullptr where there is nothing to remember of the call.
  // INVALID_ARGUMENT as CheckNameLengths; UNAUTHENTICATED KEY_REQUIRED, BAD_KEY,
  // KEY_EXPIRED; PERMISSION_DENIED COLLECTION_FORBIDDEN, KEY_READ_ONLY, KEY_NOT_ADMIN;
  // RESOURCE_EXHAUSTED QUOTA_EXCEEDED; INTERNAL where the method has no rule.
  absl::StatusOr<std::shared_ptr<const AdmittedCall>> Admit(
      std::string_view method, const grpc::ServerContextBase& context,
      const google::protobuf::Message& request);

 private:
  struct Asked;
  static auth::AuditRecord RecordOf(const Asked& asked);  // without what came of it
  absl::Status Check(Asked& asked);
  void RecordDenied(const Asked& asked, const absl::Status& why);

  const CallGateOptions options_;
  const AccessRules rules_;
  auth::Quotas quotas_;
};

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_CALL_GATE_H_
