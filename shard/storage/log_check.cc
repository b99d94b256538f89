#include "shard/storage/log_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/state_store.h"

namespace kith::storage {
namespace {

using ShardDirectory = NodeDirectory::ShardDirectory;

// The entries of one shard that must be there.
struct Needed {
  uint64_t shard = 0;
  uint64_t from = 0;
  uint64_t until = 0;
};

std::vector<Needed> NeededOf(const LogOptions& options, const LogHint& hint,
                             std::span<const ShardDirectory> shards) {
  std::vector<Needed> all;
  for (const ShardDirectory& directory : shards) {
    const uint64_t shard = directory.spec.shard;
    Needed needed{shard, hint.Truncated(shard) + 1, hint.Expected(shard)};
    if (needed.from > needed.until) continue;
    StateOptions state;
    state.directory = directory.path + "/state";
    state.files = options.files;
    const absl::StatusOr<AppliedState> applied = LookAtState(state);
    if (!applied.ok()) continue;
    needed.from = std::max(needed.from, applied->applied_lsn + 1);
    if (needed.from <= needed.until) all.push_back(needed);
  }
  return all;
}

absl::Status Ends(const LogOptions& options, const Needed& needed, uint64_t missing) {
  return CorruptFile(
      options.directory,
      fmt::format("writes of shard {} up to lsn {} were acknowledged, and lsn {} is missing. It "
                  "was left as it is: restore what is damaged from a copy",
                  needed.shard, needed.until, missing));
}

absl::Status CheckEntries(const LogOptions& options, LogStore& log, const Needed& needed) {
  const absl::StatusOr<uint64_t> last = log.LastLsn(needed.shard);
  const absl::StatusOr<uint64_t> missing = log.FirstMissing(needed.shard, needed.from);
  if (!last.ok() || !missing.ok()) return absl::OkStatus();
  if (*missing > std::max(needed.until, *last)) return absl::OkStatus();
  return Ends(options, needed, *missing);
}

}  // namespace

absl::Status CheckLogBeforeOpening(const LogOptions& given, const LogHint& hint,
                                   std::span<const ShardDirectory> shards) {
  const std::vector<Needed> all = NeededOf(given, hint, shards);
  if (all.empty()) return absl::OkStatus();
  LogOptions options = given;
  options.access = DatabaseAccess::kRead;
  KITH_RETURN_IF_ERROR(PrepareDatabaseDirectory(*options.files, options.directory, options.access));
  if (!options.files->Exists(options.directory + "/CURRENT")) {
    return Ends(options, all.front(), all.front().from);
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<LogStore> log, LogStore::Open(options));
  for (const Needed& needed : all) KITH_RETURN_IF_ERROR(CheckEntries(options, *log, needed));
  return absl::OkStatus();
}

}  // namespace kith::storage
