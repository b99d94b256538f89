#ifndef KITH_COMMON_AUTH_QUOTAS_H_
#define KITH_COMMON_AUTH_QUOTAS_H_

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/auth/access_key.h"
#include "common/base/clock.h"

namespace kith::auth {

// Facts of QUOTA_EXCEEDED.
inline constexpr std::string_view kQuotaFact = "quota";  // "requests_per_second"
inline constexpr std::string_view kKeyFact = "key";      // the key's id

// What the keys have used of their quotas: a second's worth may come at once. A call of more
// vectors than that is let in and paid for by those after it, so no batch is too large for a quota.
// Outlives changes of the key file. Threads: any.
class Quotas {
 public:
  // RESOURCE_EXHAUSTED QUOTA_EXCEEDED with the facts `quota`, `key` and `retry_after_ms`; nothing
  // is counted then.
  absl::Status Take(const AccessKey& key, uint64_t vectors, Deadline now);

 private:
  struct Allowance {
    double left = 0;
    Deadline as_of{};
  };
  struct Used {
    Allowance requests;
    Allowance vectors;
  };
  std::mutex mutex_;
  std::map<std::string, Used, std::less<>> used_;  // of keys that have a quota
};

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_QUOTAS_H_
