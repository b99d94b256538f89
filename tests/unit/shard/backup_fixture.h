#ifndef KITH_TESTS_UNIT_SHARD_BACKUP_FIXTURE_H_
#define KITH_TESTS_UNIT_SHARD_BACKUP_FIXTURE_H_

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "shard/backup/node_backups.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {

// A node with a store of backups beside its directory. Backups are of its shard 7; a restore makes
// shard 8 of it, of another incarnation.
class BackupFixture : public NodeFixture {
 protected:
  // Goes on for ever, or says at some report that nobody wants it any more.
  class Job final : public BackupJob {
   public:
    std::function<void(const std::string& stage)> on_report;
    bool cancelled = false;
    double progress = 0;

    void Report(const std::string& stage, double so_far) override {
      progress = so_far;
      if (on_report) on_report(stage);
    }
    absl::Status Check() const override {
      return cancelled ? absl::CancelledError("cancelled") : absl::OkStatus();
    }
  };

  void SetUp() override {
    NodeFixture::SetUp();
    store_ = directory_ + "-store";
    std::filesystem::create_directories(store_);
  }
  void TearDown() override {
    NodeFixture::TearDown();
    std::filesystem::remove_all(store_);
  }

  NodeBackups Backups() {
    NodeBackupOptions options;
    options.directory = store_;
    options.reserve_bytes = reserve_bytes_;
    options.bytes_per_second = uint64_t{1} << 40;
    return {*node_, *options_.files, clock_, options};
  }
  static CreateBackupCall CallFor(const std::string& name, ShardId shard = 7) {
    CreateBackupCall call;
    call.name = name;
    call.collections = {{"c", "record", {{shard, IncarnationOf(shard)}}}};
    return call;
  }
  static Uuid IncarnationOf(ShardId shard) {
    Uuid incarnation = Spec(1).incarnation;
    incarnation.bytes[0] = static_cast<uint8_t>(incarnation.bytes[0] + (shard - 7));
    return incarnation;
  }
  absl::StatusOr<Backup> Create(const std::string& name) {
    Job job;
    return Backups().Create(CallFor(name), job);
  }
  absl::Status Verify(const std::string& name) {
    Job job;
    return Backups().Verify(name, job);
  }
  absl::Status Restore(const std::string& name, ShardId to = 8) {
    ShardSpec spec = Spec(2);
    spec.shard = to;
    spec.incarnation = IncarnationOf(to);
    Job job;
    return Backups().Restore({name, "c", {{7, spec}}}, job);
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto listed = Backups().List();
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const ListedBackup& one : *listed) names.push_back(one.name);
    return names;
  }

  // Versions by id, of all the points of a shard.
  std::map<uint64_t, uint64_t> PointsOf(ShardId shard) {
    std::map<uint64_t, uint64_t> points;
    ScrollCall call;
    call.shard = shard;
    call.incarnation = IncarnationOf(shard);
    call.slot_end = limits::kSlots;
    call.limit = 1000;
    call.bytes_limit = 1 << 20;
    while (true) {
      std::promise<absl::StatusOr<ScrollReply>> promise;
      node_->Scroll(call, Soon(), [&](auto reply) { promise.set_value(std::move(reply)); });
      const auto reply = promise.get_future().get();
      EXPECT_TRUE(reply.ok()) << reply.status();
      if (!reply.ok() || reply->keys.empty()) return points;
      for (size_t i = 0; i < reply->versions.size(); ++i) {
        const PointKey key = PointKey::FromBytes(reply->keys.data() + i * PointKey::kSize);
        points[key.number()] = reply->versions[i];
        call.slot_begin = SlotOf(key);
        call.after = std::string(key.view());
      }
      if (reply->at_end) return points;
    }
  }
  // Directories of shards, staged ones too.
  size_t ShardDirectories() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/shard")) {
      count += entry.is_directory() ? 1 : 0;
    }
    return count;
  }
  std::string DigestOf(ShardId shard) {
    const auto verified = node_->Verify(shard, Soon());
    EXPECT_TRUE(verified.ok()) << verified.status();
    if (!verified.ok()) return "";
    EXPECT_EQ(verified->truth_mismatches + verified->index_mismatches, 0u);
    return verified->digest;
  }

  // Files below a folder of the store, by name, and their sizes.
  std::map<std::string, uint64_t> StoredFiles(const std::string& folder) const {
    std::map<std::string, uint64_t> files;
    if (!std::filesystem::exists(store_ + "/" + folder)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store_ + "/" + folder)) {
      if (entry.is_regular_file()) files[entry.path().filename()] = entry.file_size();
    }
    return files;
  }
  // The file of the store that the first shard of a backup has under `path`.
  std::string BlobOf(const std::string& backup, const std::string& path_begin) {
    const auto store = BackupStore::Open({store_, options_.files, 0}, BackupStore::Access::kRead);
    const auto manifest = (*store)->Read(backup);
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    for (const BackupFile& file : manifest->collections[0].shards[0].files) {
      if (file.path.starts_with(path_begin)) return (*store)->BlobPath(file.sha256);
    }
    ADD_FAILURE() << "no " << path_begin;
    return "";
  }
  // Every file of the store belongs to a backup, and nothing else lies about.
  void ExpectNoGarbage() {
    std::set<std::string> named;
    const auto store = BackupStore::Open({store_, options_.files, 0}, BackupStore::Access::kRead);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto names = (*store)->Names();
    ASSERT_TRUE(names.ok()) << names.status();
    for (const std::string& name : *names) {
      const auto manifest = (*store)->Read(name);
      ASSERT_TRUE(manifest.ok()) << manifest.status();
      for (const CollectionManifest& collection : manifest->collections) {
        for (const ShardManifest& shard : collection.shards) {
          for (const BackupFile& file : shard.files) named.insert(file.sha256);
        }
      }
    }
    std::set<std::string> present;
    for (const auto& [name, bytes] : StoredFiles("blobs")) present.insert(name);
    EXPECT_EQ(present, named);
    EXPECT_TRUE(StoredFiles("incoming").empty());
    EXPECT_EQ(StoredFiles("backups").size(), names->size());
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/pinned"));
  }

  std::string store_;
  uint64_t reserve_bytes_ = 0;
};

}  // namespace kith::shard

#endif  // KITH_TESTS_UNIT_SHARD_BACKUP_FIXTURE_H_
