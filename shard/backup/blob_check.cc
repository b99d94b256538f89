#include "shard/backup/blob_check.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr size_t kNamedMax = 20;  // in one message

// Takes what is wrong, one file after the other.
class Findings {
 public:
  void Add(std::string text) {
    if (named_.size() < kNamedMax) named_.push_back(std::move(text));
    ++count_;
  }
  absl::Status Verdict() const {
    if (count_ == 0) return absl::OkStatus();
    std::string text = fmt::format("{} files are missing or damaged:", count_);
    for (const std::string& one : named_) text += "\n  " + one;
    if (count_ > named_.size()) text += fmt::format("\n  and {} more", count_ - named_.size());
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 text +
                     "\nRemove these files and make a new backup: what the server still has is "
                     "copied again, for the older backups too");
  }

 private:
  std::vector<std::string> named_;
  size_t count_ = 0;
};

}  // namespace

std::string WrongSum(const BackupFile& expected, const storage::FileSum& found) {
  if (found.bytes != expected.bytes) {
    return fmt::format("it has {} bytes, expected {}", found.bytes, expected.bytes);
  }
  if (found.sha256 == expected.sha256) return "";
  return fmt::format("its content has SHA-256 {}, which is not that of its name", found.sha256);
}

absl::Status CheckBlobs(const BackupStore& store, storage::FileSystem& files,
                        const BackupManifest& manifest, const storage::PieceWatch& watch) {
  Findings findings;
  std::set<std::string> seen;
  for (const PlacedFile& placed : FilesOf(manifest)) {
    const BackupFile& file = *placed.file;
    if (!seen.insert(file.sha256).second) continue;
    const std::string place = PlaceOf(manifest, *placed.collection, *placed.shard, file);
    const std::string blob = store.BlobPath(file.sha256);
    if (!files.Exists(blob)) {
      findings.Add(fmt::format("{}: {} is missing", place, blob));
      continue;
    }
    absl::Status stopped;
    const absl::StatusOr<storage::FileSum> sum =
        storage::SumFile(files, blob, [&](uint64_t bytes) { return stopped = watch(bytes); });
    KITH_RETURN_IF_ERROR(stopped);
    const std::string wrong = sum.ok() ? WrongSum(file, *sum) : std::string(sum.status().message());
    if (!wrong.empty()) findings.Add(fmt::format("{}: {}: {}", place, blob, wrong));
  }
  return findings.Verdict();
}

}  // namespace kith::shard
