#ifndef KITH_CLI_IMPORT_FILE_IDENTITY_H_
#define KITH_CLI_IMPORT_FILE_IDENTITY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/data/read_only_file.h"

namespace kith::cli {

using Hash128 = std::array<uint8_t, 16>;

std::string ToHex(const Hash128& hash);
absl::StatusOr<Hash128> Hash128FromHex(std::string_view text);
Hash128 HashOf(std::string_view bytes);

// Tells one file's content from another's: XXH3-128 of the size and the content, all of it up to
// 64 MiB; of a larger file the first and the last MiB, 1,024 pages of 4 KiB evenly between, and the
// time of its last change, because a change between the pages would not show.
absl::StatusOr<Hash128> FileIdentity(const ReadOnlyFile& file);

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_FILE_IDENTITY_H_
