#ifndef KITH_SHARD_STORAGE_ERRNO_STATUS_H_
#define KITH_SHARD_STORAGE_ERRNO_STATUS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace kith::storage {

// "cannot {action} {path}: why. What to do." with the code that FileSystem promises for `error`, an
// errno other than 0.
absl::Status ErrnoStatus(int error, std::string_view action, const std::string& path);

// The same errors where only their name is known.
absl::Status DiskFullStatus(std::string_view action, const std::string& path);
absl::Status ReadOnlyStatus(std::string_view action, const std::string& path);
absl::Status NoRightsStatus(std::string_view action, const std::string& path);

// What every message about damage ends with.
inline constexpr char kDamageRemedy[] =
    "kith fsck says what else is wrong, docs/repair.md how to repair it";

// DATA_LOSS CORRUPTION about one file.
absl::Status CorruptFile(const std::string& path, std::string_view what);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ERRNO_STATUS_H_
