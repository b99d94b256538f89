#include "shard/storage/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/small_index.h"

namespace kith::storage {
namespace {

class ArtifactStoreTest : public testing::Test {
 protected:
  static ArtifactChunk Chunk(const std::string& hash, const std::string& bytes, uint64_t begin,
                             uint64_t size) {
    ArtifactChunk chunk{hash, begin, bytes.size(), bytes.substr(begin, size), 0};
    chunk.checksum = XXH3_64bits(chunk.data.data(), chunk.data.size());
    return chunk;
  }

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  ArtifactStore store_{directory_ / "artifacts", *files_};
  const std::shared_ptr<const index::IndexVersion> version_ = test::SmallIndexVersion();
  const std::string hash_ = version_->hash;
  const std::string bytes_ = index::SerializeIndexVersion(*version_);
};

TEST_F(ArtifactStoreTest, ASavedVersionLoadsOnceForAll) {
  ASSERT_TRUE(store_.Save(*version_).ok());
  ASSERT_TRUE(store_.Save(*version_).ok());
  const auto first = store_.Load(hash_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->hash, hash_);
  EXPECT_EQ(*store_.Load(hash_), *first) << "shared, not read again";
}

TEST_F(ArtifactStoreTest, AnAbsentVersionIsNotFound) {
  const absl::Status status = store_.Load(hash_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), reason::kIndexVersionNotReady);
  EXPECT_EQ(store_.ReadChunk(hash_, 0).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ArtifactStoreTest, NamesThatAreNotHashesNeverReachTheDisk) {
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string(), std::string(32, 'A'), std::string(33, 'a'),
        std::string(31, 'a') + "/"}) {
    EXPECT_EQ(store_.Load(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(store_.ReadChunk(name, 0).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(store_.WriteChunk(Chunk(name, "x", 0, 1)).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(ArtifactStoreTest, AnArtifactTravelsInChunks) {
  ASSERT_TRUE(store_.Save(*version_).ok());
  ArtifactStore other(directory_ / "other", *files_);
  const ArtifactChunk whole = *store_.ReadChunk(hash_, 0);
  EXPECT_EQ(whole.total_bytes, bytes_.size());
  EXPECT_EQ(whole.data, bytes_);
  for (uint64_t begin = 0; begin < bytes_.size(); begin += 5000) {
    ASSERT_TRUE(other.WriteChunk(Chunk(hash_, bytes_, begin, 5000)).ok()) << begin;
  }
  EXPECT_EQ((*other.Load(hash_))->hash, hash_);
  EXPECT_TRUE(other.WriteChunk(Chunk(hash_, bytes_, 0, 10)).ok()) << "it is there already";
  EXPECT_EQ(store_.ReadChunk(hash_, bytes_.size()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ArtifactStoreTest, ChunksThatLieAreRefused) {
  ArtifactChunk chunk = Chunk(hash_, bytes_, 0, 100);
  chunk.checksum ^= 1;
  EXPECT_EQ(store_.WriteChunk(chunk).code(), absl::StatusCode::kInvalidArgument);
  chunk = Chunk(hash_, bytes_, 0, 100);
  chunk.total_bytes = 50;
  EXPECT_EQ(store_.WriteChunk(chunk).code(), absl::StatusCode::kInvalidArgument);
  chunk.total_bytes = ~uint64_t{0};
  EXPECT_EQ(store_.WriteChunk(chunk).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.WriteChunk(Chunk(hash_, bytes_, 100, 100)).code(),
            absl::StatusCode::kInvalidArgument)
      << "the first one is missing";
}

TEST_F(ArtifactStoreTest, ASenderMayBeginAgain) {
  ASSERT_TRUE(store_.WriteChunk(Chunk(hash_, bytes_, 0, 100)).ok());
  ASSERT_TRUE(store_.WriteChunk(Chunk(hash_, bytes_, 0, 200)).ok());
  ASSERT_TRUE(store_.WriteChunk(Chunk(hash_, bytes_, 200, bytes_.size())).ok());
  EXPECT_TRUE(store_.Load(hash_).ok());
}

TEST_F(ArtifactStoreTest, BytesOfAnotherArtifactAreNotTakenUnderThisName) {
  const auto other = test::SmallIndexVersion(2);
  const std::string bytes = index::SerializeIndexVersion(*other);
  const absl::Status status = store_.WriteChunk(Chunk(hash_, bytes, 0, bytes.size()));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_.Load(hash_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ArtifactStoreTest, ADamagedArtifactIsDataLoss) {
  ASSERT_TRUE(store_.Save(*version_).ok());
  const std::string path = directory_ / "artifacts/" + hash_;
  for (size_t place = 0; place < bytes_.size(); place += 211) {
    std::string bad = bytes_;
    bad[place] ^= 1;
    test::WriteBytes(path, bad);
    ASSERT_EQ(store_.Load(hash_).status().code(), absl::StatusCode::kDataLoss) << place;
  }
  test::WriteBytes(path, index::SerializeIndexVersion(*test::SmallIndexVersion(2)));
  EXPECT_EQ(store_.Load(hash_).status().code(), absl::StatusCode::kDataLoss) << "another's bytes";
}

TEST_F(ArtifactStoreTest, AbandonedUploadsDoNotBlockNewOnes) {
  for (int i = 0; i < 20; ++i) {
    const std::string hash = std::string(30, 'a') + char('a' + i % 6) + char('0' + i / 6);
    ASSERT_TRUE(store_.WriteChunk(Chunk(hash, bytes_, 0, 100)).ok());
  }
  ASSERT_TRUE(store_.WriteChunk(Chunk(hash_, bytes_, 0, bytes_.size())).ok());
  EXPECT_TRUE(store_.Load(hash_).ok());
}

TEST_F(ArtifactStoreTest, WhatNobodyUsesIsRemovedByManySweepsInARow) {
  ASSERT_TRUE(store_.Save(*version_).ok());
  const std::string path = directory_ / "artifacts/" + hash_;
  const auto sweep = [&](int times, const std::set<std::string>& used) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(store_.Sweep(used).ok());
  };
  sweep(ArtifactStore::kSweepsUnused + 1, {hash_});
  EXPECT_TRUE(files_->Exists(path)) << "an index refers to it";
  {
    const auto loaded = store_.Load(hash_);
    sweep(ArtifactStore::kSweepsUnused + 1, {});
    EXPECT_TRUE(files_->Exists(path)) << "somebody holds it";
  }
  sweep(ArtifactStore::kSweepsUnused - 1, {});
  ASSERT_TRUE(store_.ReadChunk(hash_, 0).ok());  // somebody fetches it
  sweep(ArtifactStore::kSweepsUnused - 1, {});
  EXPECT_TRUE(files_->Exists(path));
  sweep(1, {});
  EXPECT_FALSE(files_->Exists(path));
  EXPECT_EQ(store_.Load(hash_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ArtifactStoreTest, SweepsLeaveFilesAloneThatAreNoArtifacts) {
  ASSERT_TRUE(store_.Save(*version_).ok());
  test::WriteBytes(directory_ / "artifacts/notes.txt", "mine");
  for (int i = 0; i <= ArtifactStore::kSweepsUnused; ++i) ASSERT_TRUE(store_.Sweep({}).ok());
  EXPECT_TRUE(files_->Exists(directory_ / "artifacts/notes.txt"));
}

}  // namespace
}  // namespace kith::storage
