#ifndef KITH_TESTS_UNIT_SHARD_DAMAGE_FIXTURE_H_
#define KITH_TESTS_UNIT_SHARD_DAMAGE_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "shard/storage/state_store.h"
#include "tests/support/file_bytes.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {

using test::ReadBytes;
using test::WriteBytes;

inline void Damage(const std::string& path) {
  std::string bytes = ReadBytes(path);
  bytes[bytes.size() / 2] ^= 1;
  WriteBytes(path, bytes);
}

// A shard with an index, whose files a test damages.
class DamageTest : public NodeFixture {
 protected:
  static constexpr uint32_t kPoints = 3000;

  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_TRUE(node_->CreateShard(Spec(2), Soon()).ok());
  }

  // Points, a delete, an index; closed in order.
  void MakeIndexedShard() {
    Fill(0, kPoints);
    TrainAndBuild(16, version_);
    ASSERT_TRUE(Write(Remove(5)).ok());
    Stop();
  }
  void Stop() {
    ASSERT_TRUE(node_->Close().ok());
    node_.reset();
  }
  void ExpectWhole() {
    ExpectVerified(kPoints - 1);
    const auto exact = Search(Query({1, 1}, kPoints));
    ASSERT_TRUE(exact.ok()) << exact.status();
    EXPECT_EQ(exact->scores.size(), kPoints - 1);
  }
  void ExpectIndexedAgain() {
    ExpectIndexed();
    EXPECT_TRUE(node_->health().ready) << node_->health().reason;
  }
  void ExpectIndexed() {
    ASSERT_TRUE(Within(std::chrono::seconds(20), [&] { return IsReady(version_); }));
    const auto found = Search(IndexedQuery({1, 1}, kPoints, version_));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->scores.size(), kPoints - 1);
    EXPECT_EQ(Numbers(*found), Numbers(*Search(Query({1, 1}, kPoints))));
  }
  std::unique_ptr<storage::StateStore> OpenState() {
    const storage::StateOptions options{ShardPath() + "/state", real_files_.get()};
    return std::move(storage::StateStore::Open(options)).value();
  }
  void ChangeState(const std::function<void(storage::StateBatch&)>& change) {
    const auto state = OpenState();
    const auto batch = state->NewBatch();
    change(*batch);
    ASSERT_TRUE(state->Write(*batch).ok());
    ASSERT_TRUE(state->Flush().ok());
  }
  absl::Status StatusOfShard() { return Search(Query({1, 1})).status(); }

  std::string version_;
};

}  // namespace kith::shard

#endif  // KITH_TESTS_UNIT_SHARD_DAMAGE_FIXTURE_H_
