// Files that wait for room.
#include "shard/storage/room_wait.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <chrono>
#include <future>

#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// While it is full it takes the first half of what it is given.
class NarrowDisk final : public rocksdb::FileSystemWrapper {
 public:
  NarrowDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "NarrowDisk"; }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target_->NewWritableFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(*this, std::move(*file));
    return status;
  }

  std::atomic<bool> is_full = false;
  std::atomic<int> halves = 0;
  std::string error = "No space left on device";

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(NarrowDisk& disk, std::unique_ptr<rocksdb::FSWritableFile> file)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}
    IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                              IODebugContext* debug) override {
      if (!disk_.is_full) return target()->PositionedAppend(data, offset, options, debug);
      const Slice half(data.data(), data.size() / 2);
      EXPECT_TRUE(target()->PositionedAppend(half, offset, options, debug).ok());
      ++disk_.halves;
      return disk_.error.starts_with("No") ? IOStatus::NoSpace(disk_.error)
                                           : IOStatus::IOError(disk_.error);
    }

   private:
    NarrowDisk& disk_;
  };
};

class RoomWaitTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(env_->GetFileSystem()->NewWritableFile(path_, FileOptions(), &file_, nullptr).ok());
  }
  IOStatus Append(const std::string& text) { return file_->Append(text, IOOptions(), nullptr); }
  void WaitForHalves(int count) {
    while (disk_->halves < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const test::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
  const std::shared_ptr<NarrowDisk> disk_ = std::make_shared<NarrowDisk>();
  const std::unique_ptr<rocksdb::Env> base_ = rocksdb::NewCompositeEnv(disk_);
  const std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
  RoomWait room_{waiting_};
  const std::unique_ptr<rocksdb::Env> env_ = NewRoomWaitingEnv(*base_, room_);
  std::unique_ptr<rocksdb::FSWritableFile> file_;
};

TEST_F(RoomWaitTest, AWriteCutShortIsMadeAgainFromItsBeginning) {
  room_.Begin();
  ASSERT_TRUE(Append("before ").ok());
  disk_->is_full = true;
  auto append = std::async(std::launch::async, [&] { return Append("0123456789 ").ok(); });
  WaitForHalves(2);
  EXPECT_TRUE(room_.IsAwaited());
  disk_->is_full = false;
  EXPECT_TRUE(append.get());
  EXPECT_FALSE(room_.IsAwaited());
  ASSERT_TRUE(Append("after").ok());
  ASSERT_TRUE(file_->Close(IOOptions(), nullptr).ok());
  EXPECT_EQ(test::ReadBytes(path_), "before 0123456789 after");
}

TEST_F(RoomWaitTest, AUsedUpQuotaIsWaitedForToo) {
  room_.Begin();
  disk_->error = "While pwrite: Disk quota exceeded";
  disk_->is_full = true;
  auto append = std::async(std::launch::async, [&] { return Append("text").ok(); });
  WaitForHalves(2);
  disk_->is_full = false;
  EXPECT_TRUE(append.get());
}

TEST_F(RoomWaitTest, OtherErrorsAreNotWaitedFor) {
  room_.Begin();
  disk_->error = "While pwrite: Input/output error";
  disk_->is_full = true;
  EXPECT_TRUE(Append("text").IsIOError());
}

TEST_F(RoomWaitTest, NothingWaitsBeforeTheBeginningNorAfterTheEnd) {
  disk_->is_full = true;
  EXPECT_TRUE(Append("text").IsNoSpace());
  room_.Begin();
  auto append = std::async(std::launch::async, [&] { return Append("text"); });
  WaitForHalves(3);
  room_.End();
  EXPECT_TRUE(append.get().IsNoSpace());
  EXPECT_FALSE(room_.IsAwaited());
  EXPECT_TRUE(Append("text").IsNoSpace());
}

}  // namespace
}  // namespace kith::storage
