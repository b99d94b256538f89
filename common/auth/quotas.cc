#include "common/auth/quotas.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/auth/reasons.h"
#include "common/base/status.h"

namespace kith::auth {
namespace {

// What adding up fractions may lose.
constexpr double kRounding = 1e-6;

absl::Status Exceeded(const AccessKey& key, const char* quota, uint64_t rate, double left) {
  const double wait_s = (1 - left) / static_cast<double>(rate);
  const auto wait_ms = static_cast<uint64_t>(std::ceil(1000 * wait_s - kRounding));
  return Error(absl::StatusCode::kResourceExhausted, reason::kQuotaExceeded,
               fmt::format("the key \"{}\" has used its {} {}; come back in {} ms", key.id, rate,
                           quota, wait_ms),
               {{kQuotaFact, quota},
                {kKeyFact, key.id},
                {kRetryAfterMsFact, std::to_string(std::max<uint64_t>(1, wait_ms))}});
}

}  // namespace

absl::Status Quotas::Take(const AccessKey& key, uint64_t vectors, Deadline now) {
  const uint64_t requests_rate = key.quota.requests_per_second;
  const uint64_t vectors_rate = key.quota.vectors_per_second;
  if (requests_rate == 0 && vectors_rate == 0) return absl::OkStatus();
  const auto grow = [now](Allowance& allowance, uint64_t rate) {
    const auto full = static_cast<double>(std::max<uint64_t>(rate, 1));
    const double span_s = std::chrono::duration<double>(now - allowance.as_of).count();
    allowance.left = std::min(full, allowance.left + full * std::max(0.0, span_s));
    allowance.as_of = std::max(now, allowance.as_of);
  };
  std::lock_guard lock(mutex_);
  const auto [found, is_new] = used_.try_emplace(key.id);
  Used& used = found->second;
  if (is_new)
    used = {{static_cast<double>(requests_rate), now}, {static_cast<double>(vectors_rate), now}};
  grow(used.requests, requests_rate);
  grow(used.vectors, vectors_rate);
  if (requests_rate != 0 && used.requests.left < 1 - kRounding) {
    return Exceeded(key, "requests_per_second", requests_rate, used.requests.left);
  }
  if (vectors_rate != 0 && vectors > 0 && used.vectors.left < 1 - kRounding) {
    return Exceeded(key, "vectors_per_second", vectors_rate, used.vectors.left);
  }
  if (requests_rate != 0) used.requests.left -= 1;
  if (vectors_rate != 0) used.vectors.left -= static_cast<double>(vectors);
  return absl::OkStatus();
}

}  // namespace kith::auth
