#include "shard/maintenance/checkpointer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/small_index.h"

namespace kith::shard {
namespace {

using index::ListSegment;

// The parts of a copy without writer, upkeep or node.
class CheckpointerTest : public testing::Test {
 protected:
  void SetUp() override {
    parts_.directory = directory_.path();
    parts_.files = files_.get();
    parts_.clock = &clock_;
    for (const char* folder : {"/state", "/log", "/seg"}) {
      ASSERT_TRUE(files_->CreateDirectories(parts_.directory + folder).ok());
    }
    auto state = storage::StateStore::Open({parts_.directory + "/state", files_.get()});
    ASSERT_TRUE(state.ok()) << state.status();
    parts_.state = *std::move(state);
    auto log = storage::LogStore::Open({parts_.directory + "/log", files_.get()});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    parts_.log = log_.get();
    hint_ = storage::LogHint::Open(parts_.directory + "/HINT", *files_, clock_);
    parts_.hint = hint_.get();
    SetSegments({});
  }

  // One with `rows` rows, all of them in the first list.
  std::shared_ptr<const ListSegment> Segment(uint32_t rows) const {
    std::vector<ListSegment::CanonicalList> lists(version_->lists());
    for (uint32_t row = 0; row < rows; ++row) lists[0].rows.push_back(row);
    lists[0].bias.resize(rows);
    lists[0].plane_a.resize(size_t{rows} * version_->subspaces());
    lists[0].plane_b.resize(size_t{rows} * version_->dimension());
    return ListSegment::FromCanonical(*version_, lists, {});
  }
  void SetSegments(std::vector<std::shared_ptr<const ListSegment>> segments) {
    parts_.snapshots.Update([&](Snapshot& snapshot) {
      std::vector<uint32_t> ends;
      for (const auto& segment : segments) {
        ends.push_back(static_cast<uint32_t>(segment->rows() + (ends.empty() ? 0 : ends.back())));
      }
      const uint32_t end = ends.empty() ? 0 : ends.back();
      snapshot.indexes = {{version_, std::move(segments), end, true, false, std::move(ends)}};
    });
  }
  size_t Files() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "seg")) {
      files += entry.path().extension() == ".seg" ? 1 : 0;
    }
    return files;
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<storage::FileSystem> files_ = storage::NewPosixFileSystem();
  const std::shared_ptr<const index::IndexVersion> version_ = test::SmallIndexVersion();
  SystemClock clock_;
  std::unique_ptr<storage::LogStore> log_;
  std::unique_ptr<storage::LogHint> hint_;
  CopyParts parts_;
};

TEST_F(CheckpointerTest, ASegmentThatWasMergedAwayDoesNotStayInMemoryUntilTheNextCheckpoint) {
  Checkpointer checkpointer(parts_, {});
  SetSegments({Segment(100), Segment(50)});
  ASSERT_TRUE(checkpointer.Run().ok());
  ASSERT_EQ(Files(), 2u);
  const std::weak_ptr<const ListSegment> old = parts_.snapshots.Pin()->indexes[0].segments[0];
  SetSegments({Segment(150)});
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(Files(), 2u) << "a start would still read them";
  ASSERT_TRUE(checkpointer.RemoveOrphans().ok());
  EXPECT_EQ(Files(), 2u) << "they are no orphans";
  ASSERT_TRUE(checkpointer.Run().ok());
  EXPECT_EQ(Files(), 1u);
}

TEST_F(CheckpointerTest, ASegmentThatStaysIsWrittenOnce) {
  Checkpointer checkpointer(parts_, {});
  SetSegments({Segment(100)});
  ASSERT_TRUE(checkpointer.Run().ok());
  const auto first = std::filesystem::last_write_time(
      std::filesystem::directory_iterator(directory_ / "seg")->path());
  const auto kept = parts_.snapshots.Pin()->indexes[0].segments[0];
  SetSegments({kept, Segment(50)});
  ASSERT_TRUE(checkpointer.Run().ok());
  EXPECT_EQ(Files(), 2u);
  size_t unchanged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "seg")) {
    unchanged += entry.last_write_time() == first ? 1 : 0;
  }
  EXPECT_EQ(unchanged, 1u);
}

}  // namespace
}  // namespace kith::shard
