#ifndef KITH_COMMON_AUTH_REASONS_H_
#define KITH_COMMON_AUTH_REASONS_H_

// Why a caller is not let in: as common/base/reasons.h.
namespace kith::reason {

inline constexpr char kKeyRequired[] = "KEY_REQUIRED";
inline constexpr char kBadKey[] = "BAD_KEY";
inline constexpr char kKeyExpired[] = "KEY_EXPIRED";
inline constexpr char kKeyReadOnly[] = "KEY_READ_ONLY";
inline constexpr char kKeyNotAdmin[] = "KEY_NOT_ADMIN";
inline constexpr char kCollectionForbidden[] = "COLLECTION_FORBIDDEN";
inline constexpr char kQuotaExceeded[] = "QUOTA_EXCEEDED";

}  // namespace kith::reason

#endif  // KITH_COMMON_AUTH_REASONS_H_
