#include "shard/write/resolver.h"

#include <gtest/gtest.h>

#include "common/base/status.h"

namespace kith::shard {
namespace {

// A state that holds one point and whose look-ups fail when told to.
class OnePoint final : public storage::StateStore {
 public:
  bool fails = false;

  absl::Status FindIds(std::span<const PointKey> keys,
                       std::vector<std::optional<storage::IdEntry>>& entries) override {
    if (fails) return absl::UnavailableError("the disk is away");
    entries.assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == PointKey::FromNumber(1)) entries[i] = storage::IdEntry{5, 77};
    }
    return absl::OkStatus();
  }

  storage::AppliedState applied() const override { return {}; }
  absl::StatusOr<storage::AppliedState> ReadApplied() override { return applied(); }
  std::unique_ptr<storage::StateBatch> NewBatch() override { return nullptr; }
  absl::Status Write(storage::StateBatch&) override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  void EndWaiting() override {}
  absl::StatusOr<uint64_t> FlushedLsn() override { return 0; }
  absl::Status ReadRows(std::span<const uint32_t>, std::vector<StoredRow>&) override {
    return absl::OkStatus();
  }
  absl::Status ForEachRow(uint32_t,
                          const std::function<absl::Status(const storage::RowRecord&)>&) override {
    return absl::OkStatus();
  }
  absl::StatusOr<bool> WalkPoints(
      const PointWalk&, const std::function<storage::Visit(const storage::RowRecord&)>&) override {
    return true;
  }
  absl::Status ForEachId(
      const std::function<absl::Status(const PointKey&, const storage::IdEntry&)>&) override {
    return absl::OkStatus();
  }
  absl::Status ForEachPosting(const std::function<absl::Status(const PostingRecord&)>&) override {
    return absl::OkStatus();
  }
  absl::Status ForEachDead(uint64_t, const std::function<void(uint32_t)>&) override {
    return absl::OkStatus();
  }
  absl::Status ForgetDead(uint64_t) override { return absl::OkStatus(); }
  absl::StatusOr<storage::SlotDigests> ReadDigests() override { return storage::SlotDigests(); }
  absl::StatusOr<std::string> ReadManifest() override { return std::string(); }
  absl::StatusOr<std::string> ReadFields() override { return std::string(); }
  absl::StatusOr<std::optional<storage::DedupeEntry>> FindDedupe(std::string_view) override {
    return std::optional<storage::DedupeEntry>();
  }
  absl::StatusOr<uint64_t> ExpireDedupe(uint64_t) override { return 0; }
  absl::Status CompactRows(uint32_t, uint32_t) override { return absl::OkStatus(); }
  uint64_t disk_bytes() const override { return 0; }
  absl::Status Checkpoint(const std::string&) override { return absl::OkStatus(); }
  absl::Status VerifyFiles() override { return absl::OkStatus(); }
};

TEST(Resolver, APointWhoseLookUpFailedIsNotTakenForAbsentByTheNextCall) {
  OnePoint state;
  Resolver resolver(state, 10);
  WriteCall call;
  call.kinds = {WriteKind::kInsertOnly};
  call.keys = std::string(PointKey::FromNumber(1).view());
  state.fails = true;
  EXPECT_FALSE(resolver.Lookup(call.keys).ok());
  state.fails = false;
  ASSERT_TRUE(resolver.Lookup(call.keys).ok());
  const ResolvedWrite resolved = resolver.Resolve(call, 1);
  EXPECT_EQ(resolved.operations[0].outcome, WriteOutcome::kAlreadyExists);
  EXPECT_EQ(resolved.operations[0].version, 77u);
}

}  // namespace
}  // namespace kith::shard
