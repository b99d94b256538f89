#ifndef KITH_COMMON_AUTH_AUDIT_LOG_H_
#define KITH_COMMON_AUTH_AUDIT_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "common/auth/private_file.h"
#include "common/base/clock.h"

namespace kith::auth {

// One call that was denied, or that administers. Never a secret, nothing of the request but names.
struct AuditRecord {
  std::string key;         // its id; empty: none was believed
  std::string peer;        // as gRPC names it: "ipv4:10.0.0.1:40000"
  std::string method;      // "kith.v1.Collections/DeleteCollection"
  std::string collection;  // several: with commas; empty: none
  std::string subject;     // an operation, a backup, an index version; likewise
  std::string outcome;     // "OK" or the code's name
  std::string reason;      // of an error; empty: none
};

// One JSON object a line, appended to a file of its own. After a flood of denied calls it says how
// many it left out: strangers must not be able to fill a disk.
// Threads: any.
class AuditLog {
 public:
  // FAILED_PRECONDITION STORAGE where the file cannot be appended to. `clock` outlives it.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const std::string& path, Clock& clock);
  ~AuditLog();

  enum class Kind { kDenied, kAdministered };
  void Write(Kind kind, const AuditRecord& record);
  // Opens the file again where it was moved away or removed, as log rotation does. STORAGE where it
  // cannot, or where writing has failed since.
  absl::Status Refresh();

 private:
  AuditLog(std::string path, Clock& clock) : path_(std::move(path)), clock_(clock) {}
  absl::Status OpenFile();
  bool MayWrite();  // with the lock

  const std::string path_;
  Clock& clock_;
  std::mutex mutex_;
  int descriptor_ = -1;
  uint64_t file_node_ = 0;
  uint64_t file_device_ = 0;
  bool has_failed_ = false;
  Deadline second_{};  // in which `denied_` were written
  uint64_t denied_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_AUDIT_LOG_H_
