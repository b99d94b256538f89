#include "shard/fsck/fsck.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "common/base/clock.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/local_meta_store.h"
#include "common/meta/meta_bound.h"
#include "shard/fsck/shard_check.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/lock_file.h"
#include "shard/storage/log_check.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/shard_spec_file.h"

namespace kith::fsck {
namespace {

using ShardDirectory = storage::NodeDirectory::ShardDirectory;

constexpr char kPutBack[] = "put it back from a copy of any age: it never changes";

// What is opened here tells nobody's log of it.
class QuietLog {
 public:
  QuietLog() : level_(spdlog::get_level()) { spdlog::set_level(spdlog::level::off); }
  ~QuietLog() { spdlog::set_level(level_); }

 private:
  const spdlog::level::level_enum level_;
};

class DirectoryCheck {
 public:
  DirectoryCheck(std::string directory, storage::FileSystem& files)
      : directory_(std::move(directory)),
        files_(files),
        artifacts_(directory_ + "/artifacts", files) {}

  Report Run() {
    const bool is_node = files_.Exists(directory_ + "/shard") || files_.Exists(directory_ + "/log");
    CheckText("FORMAT", "kith-node-directory", is_node ? kMustExist : kMayBeAbsent);
    CheckMeta();
    CheckHint();
    hint_ = storage::LogHint::Open(directory_ + "/HINT", files_, clock_);
    ReadSpecs();
    OpenLog();
    CheckShards();
    JudgeLog();
    if (is_node) CompareWithMeta();
    return std::move(report_);
  }

 private:
  enum Presence { kMustExist, kMayBeAbsent };

  void CheckText(const std::string& name, const char* kind, Presence presence) {
    const std::string path = directory_ + "/" + name;
    if (!files_.Exists(path) && presence == kMayBeAbsent) return;
    const absl::Status status = ReadText(path, kind);
    if (!status.ok()) {
      report_.Add({path, std::string(status.message()), Remedy::kRestore, kPutBack});
    }
  }

  absl::Status ReadText(const std::string& path, const char* kind) {
    KITH_ASSIGN_OR_RETURN(const std::string bytes,
                          files_.ReadAll(path, storage::CheckedText::kBytesMax));
    return storage::CheckedText::Parse(kind, path, bytes).status();
  }

  void CheckHint() {
    const std::string path = directory_ + "/HINT";
    if (!files_.Exists(path)) return;
    const absl::Status status = ReadText(path, "kith-log-hint");
    if (status.ok()) return;
    report_.Add({path, std::string(status.message()), Remedy::kStart,
                 "nothing: it bounds what the log must hold, and is written again"});
  }

  void CheckMeta() {
    const std::string path = directory_ + "/meta";
    if (!files_.Exists(path)) return;
    auto records = CheckMetaStore({path});
    if (records.ok()) {
      records_ = *std::move(records);
    } else {
      report_.Add({path, std::string(records.status().message()), Remedy::kRestore,
                   "put what is damaged back from a copy made since the last change of a "
                   "collection"});
    }
    const std::string bound = path + "/BOUND";
    if (files_.Exists(bound) && !ReadMetaBound(*files_.rocksdb_env(), path).has_value()) {
      report_.Add({bound, "it does not match its checksum", Remedy::kStart,
                   "nothing: it bounds what the metadata must hold, and is written again"});
    }
  }

  void OpenLog() {
    storage::LogOptions options;
    options.directory = directory_ + "/log";
    options.files = &files_;
    options.access = storage::DatabaseAccess::kRead;
    log_trouble_ = storage::CheckLogBeforeOpening(options, *hint_, shards_);
    if (!log_trouble_.ok()) return;
    if (!files_.Exists(options.directory + "/CURRENT") &&
        storage::PrepareDatabaseDirectory(files_, options.directory, options.access).ok()) {
      return;  // there is none, and no sign that there was one
    }
    auto log = storage::LogStore::Open(options);
    log_trouble_ = log.ok() ? (*log)->VerifyFiles() : log.status();
    if (log_trouble_.ok()) log_ = *std::move(log);
  }

  void ReadSpecs() {
    const auto names = files_.List(directory_ + "/shard");
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      const bool is_shard = !name.empty() && name[0] >= '0' && name[0] <= '9';
      if (!is_shard) continue;  // unfinished, dropped or strange
      const std::optional<ShardDirectory> shard = ReadSpec(directory_ + "/shard/" + name);
      if (shard.has_value()) shards_.push_back(*shard);
    }
  }

  void CheckShards() {
    const CheckHost host{&files_, log_.get(), hint_.get(), &artifacts_};
    for (const ShardDirectory& shard : shards_) {
      applied_[shard.spec.shard] = CheckShard(host, shard, report_);
    }
  }

  std::optional<ShardDirectory> ReadSpec(const std::string& path) {
    const std::string file = path + "/SPEC";
    const auto shard = [&]() -> absl::StatusOr<ShardDirectory> {
      KITH_ASSIGN_OR_RETURN(const std::string bytes,
                            files_.ReadAll(file, storage::CheckedText::kBytesMax));
      return storage::ParseShardSpec(file, bytes);
    }();
    if (!shard.ok()) {
      report_.Add({file, std::string(shard.status().message()), Remedy::kRestore, kPutBack});
      return std::nullopt;
    }
    ShardDirectory read = *shard;
    read.path = path;
    return read;
  }

  // After a clean stop every shard has applied all of it: then it may be set aside.
  void JudgeLog() {
    if (log_trouble_.ok()) return;
    bool is_needed = !hint_->was_exact();
    for (const auto& [shard, applied] : applied_) {
      is_needed = is_needed || !applied.has_value() || *applied < hint_->Expected(shard);
    }
    report_.Add({directory_ + "/log", std::string(log_trouble_.message()),
                 is_needed ? Remedy::kRestore : Remedy::kRepair,
                 is_needed ? "put what is damaged back from a copy: it holds writes that no shard "
                             "has applied"
                           : "set it aside (--repair does): every shard has applied what it held"});
  }

  void CompareWithMeta() {
    for (const CollectionRecord& record : records_) {
      if (record.state != CollectionRecord::State::kActive) continue;
      for (const ShardPlacement& placement : record.shards) {
        const auto found = std::find_if(
            shards_.begin(), shards_.end(),
            [&](const ShardDirectory& shard) { return shard.spec.shard == placement.shard; });
        if (found != shards_.end() && found->spec.incarnation == record.incarnation) continue;
        report_.Add({directory_ + "/shard",
                     fmt::format("shard {} of collection {} is not there, or cannot be read",
                                 placement.shard, record.name),
                     Remedy::kRestore, "restore its directory from a copy"});
      }
    }
  }

  const std::string directory_;
  storage::FileSystem& files_;
  const SystemClock clock_;
  storage::ArtifactStore artifacts_;
  Report report_;
  std::vector<CollectionRecord> records_;
  absl::Status log_trouble_;
  std::unique_ptr<storage::LogStore> log_;
  std::unique_ptr<storage::LogHint> hint_;
  std::vector<ShardDirectory> shards_;
  std::map<ShardId, std::optional<uint64_t>> applied_;
};

std::string FreeName(storage::FileSystem& files, const std::string& path) {
  for (int number = 1;; ++number) {
    const std::string name = fmt::format("{}.damaged-{}", path, number);
    if (!files.Exists(name)) return name;
  }
}

// Nothing is thrown away that is not made again.
absl::Status Repair(const std::string& directory, storage::FileSystem& files, Report& report) {
  for (Finding& finding : report.findings) {
    if (finding.remedy != Remedy::kRepair) continue;
    if (finding.path.ends_with(".rows")) {
      KITH_RETURN_IF_ERROR(files.Remove(finding.path));
      report.repaired.push_back(finding.path + " was removed");
    } else {
      const std::string aside = FreeName(files, finding.path);
      KITH_RETURN_IF_ERROR(files.Rename(finding.path, aside));
      report.repaired.push_back(fmt::format("{} is now {}", finding.path, aside));
    }
    finding.remedy = Remedy::kStart;
    finding.advice = "nothing more: it is made again at the next start";
  }
  return report.repaired.empty() ? absl::OkStatus() : files.SyncDirectory(directory);
}

// None of which is in a directory that is no data directory.
constexpr const char* kParts[] = {"FORMAT", "shard", "meta", "log", "artifacts"};
constexpr char kNameIt[] = "Name the data directory: data.directory of kithd's configuration";

absl::Status CheckIsDataDirectory(const std::string& directory, storage::FileSystem& files) {
  for (const char* part : kParts) {
    if (files.Exists(directory + "/" + part)) return absl::OkStatus();
  }
  const bool is_there = files.Exists(directory);
  return Error(absl::StatusCode::kNotFound, reason::kStorage,
               is_there ? fmt::format("{} is no data directory of kith: it holds none of {}. {}",
                                      directory, absl::StrJoin(kParts, ", "), kNameIt)
                        : fmt::format("{} does not exist. {}", directory, kNameIt));
}

// Whose server cannot be checked from outside.
absl::StatusOr<std::unique_ptr<storage::LockFile>> Lock(const std::string& directory) {
  auto lock = storage::LockFile::Acquire(directory + "/LOCK");
  if (lock.ok() || ReasonOf(lock.status()) != reason::kDirectoryInUse) return lock;
  return Error(
      absl::StatusCode::kFailedPrecondition, reason::kDirectoryInUse,
      fmt::format("{} is served: {}. What a running kithd has, kith collection verify NAME "
                  "compares",
                  directory, std::string(lock.status().message())));
}

}  // namespace

absl::StatusOr<Report> CheckDirectory(const std::string& directory, storage::FileSystem& files,
                                      Mode mode) {
  KITH_RETURN_IF_ERROR(CheckIsDataDirectory(directory, files));
  const QuietLog quiet;
  KITH_ASSIGN_OR_RETURN(const auto lock, Lock(directory));
  Report report = DirectoryCheck(directory, files).Run();
  if (mode == Mode::kRepair) KITH_RETURN_IF_ERROR(Repair(directory, files, report));
  return report;
}

}  // namespace kith::fsck
