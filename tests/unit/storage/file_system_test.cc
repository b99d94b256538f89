#include "shard/storage/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/file_copy.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

using test::ReadBytes;
using test::TemporaryDirectory;
using test::WriteBytes;
using testing::ElementsAre;
using testing::HasSubstr;

class FileSystemTest : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(FileSystemTest, ReplacingAFileLeavesOnlyTheNewOne) {
  const std::string path = directory_ / "file";
  ASSERT_TRUE(files_->ReplaceFile(path, "old").ok());
  ASSERT_TRUE(files_->ReplaceFile(path, "new").ok());
  EXPECT_EQ(*files_->ReadAll(path, 100), "new");
  EXPECT_THAT(*files_->List(directory_.path()), ElementsAre("file"));
}

TEST_F(FileSystemTest, AFileAboveTheLimitIsRefusedBeforeItIsRead) {
  const std::string path = directory_ / "file";
  WriteBytes(path, "12345");
  EXPECT_TRUE(files_->ReadAll(path, 5).ok());
  EXPECT_EQ(files_->ReadAll(path, 4).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileSystemTest, ASecondNameIsOfTheSameBytesAndOutlivesTheFirst) {
  const std::string path = directory_ / "file";
  const std::string second = directory_ / "second";
  WriteBytes(path, "bytes");
  ASSERT_TRUE(files_->Link(path, second).ok());
  EXPECT_FALSE(files_->Link(path, second).ok()) << "the name is taken";
  EXPECT_EQ(std::filesystem::hard_link_count(path), 2u);
  ASSERT_TRUE(files_->Remove(path).ok());
  EXPECT_EQ(ReadBytes(second), "bytes");
  EXPECT_EQ(*files_->FileBytes(second), 5u);
}

TEST_F(FileSystemTest, AFileHasNoSecondNameOnAnotherFileSystemAndIsCopiedThere) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "no second file system";
  const std::string path = directory_ / "file";
  const std::string other = "/dev/shm/kith-second-name-" + std::to_string(getpid());
  WriteBytes(path, "bytes");
  EXPECT_EQ(files_->Link(path, other).code(), absl::StatusCode::kUnimplemented);
  ASSERT_TRUE(LinkOrCopy(*files_, path, other).ok());
  EXPECT_EQ(ReadBytes(other), "bytes");
  std::filesystem::remove(other);
}

TEST_F(FileSystemTest, ACopyHasTheBytesAndTheirSha256) {
  const std::string path = directory_ / "file";
  WriteBytes(path, "abc");
  const auto copied = CopyFile(*files_, path, directory_ / "copy", UnwatchedPiece);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->bytes, 3u);
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(copied->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(SumFile(*files_, directory_ / "copy", UnwatchedPiece)->sha256, copied->sha256);
}

TEST_F(FileSystemTest, ACopyThatIsStoppedIsRemoved) {
  const std::string path = directory_ / "file";
  WriteBytes(path, std::string(3 << 20, 'x'));
  int pieces = 0;
  const auto copied = CopyFile(*files_, path, directory_ / "copy", [&](uint64_t) {
    return ++pieces == 2 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsCancelled(copied.status()));
  EXPECT_EQ(pieces, 2);
  EXPECT_THAT(*files_->List(directory_.path()), ElementsAre("file"));
}

TEST_F(FileSystemTest, AMissingFileIsNotFoundAndNamed) {
  const absl::Status status = files_->ReadAll(directory_ / "absent", 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_ / "absent"));
  EXPECT_EQ(files_->Remove(directory_ / "absent").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(files_->MapReadOnly(directory_ / "absent").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(FileSystemTest, ASharedMapGrowsTheFileWithZerosAndAllocatesIt) {
  const std::string path = directory_ / "map";
  constexpr size_t kSize = 1 << 20;
  {
    auto map = *files_->MapShared(path, kSize);
    ASSERT_EQ(map->size(), kSize);
    EXPECT_EQ(map->data()[kSize - 1], std::byte{0});
    map->data()[kSize - 1] = std::byte{7};
    ASSERT_TRUE(map->Sync().ok());
  }
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_GE(static_cast<size_t>(facts.st_blocks) * 512, kSize);
  auto map = *files_->MapShared(path, kSize);
  EXPECT_EQ(map->data()[kSize - 1], std::byte{7});
}

TEST_F(FileSystemTest, AnEmptyFileMapsToNothing) {
  WriteBytes(directory_ / "empty", "");
  auto map = *files_->MapReadOnly(directory_ / "empty");
  EXPECT_EQ(map->size(), 0u);
}

TEST_F(FileSystemTest, EnsuredDirectoriesAndRemovedTrees) {
  const std::string deep = directory_ / "a/b/c";
  ASSERT_TRUE(files_->EnsureDirectory(deep).ok());
  ASSERT_TRUE(files_->EnsureDirectory(deep).ok());
  WriteBytes(deep + "/file", "x");
  ASSERT_TRUE(files_->RemoveTree(directory_ / "a").ok());
  EXPECT_FALSE(files_->Exists(directory_ / "a"));
}

TEST_F(FileSystemTest, ParentDirectories) {
  EXPECT_EQ(ParentDirectory("/data/log"), "/data");
  EXPECT_EQ(ParentDirectory("/data/log/"), "/data");
  EXPECT_EQ(ParentDirectory("/data"), "/");
  EXPECT_EQ(ParentDirectory("data"), ".");
}

TEST_F(FileSystemTest, ADirectoryWithoutRightsSaysWhoseRightsAreMissing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(chmod(directory_.path().c_str(), 0555), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const absl::Status status = files_->Create(directory_ / "file").status();
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("user 65534"));
}

// A file system of one megabyte of its own; skipped where mounting is not allowed.
class SmallMountTest : public FileSystemTest {
 protected:
  void SetUp() override {
    mounted_ = mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
    if (!mounted_) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  }
  void TearDown() override {
    if (mounted_) umount2(directory_.path().c_str(), MNT_DETACH);
  }

  bool mounted_ = false;
};

TEST_F(SmallMountTest, AFullDiskShowsInAppendWithARemedy) {
  auto file = *files_->Create(directory_ / "file");
  const absl::Status status = file->Append(std::string(2 << 20, 'x'));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_ / "file"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Free some space"));
}

TEST_F(SmallMountTest, AFullDiskShowsWhenAMapIsMadeNotWhenItIsTouched) {
  const absl::Status status = files_->MapShared(directory_ / "map", 2 << 20).status();
  EXPECT_EQ(ReasonOf(status), reason::kDiskFull);
  EXPECT_EQ(std::filesystem::file_size(directory_ / "map"), 0u) << "it was put back";
}

TEST_F(SmallMountTest, AReadOnlyFileSystemSaysSo) {
  ASSERT_EQ(mount(nullptr, directory_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const absl::Status status = files_->Create(directory_ / "file").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("read-only"));
}

TEST_F(SmallMountTest, TheFreeSpaceIsTheDisks) {
  const uint64_t free_bytes = *files_->FreeBytes(directory_.path());
  EXPECT_GT(free_bytes, 0u);
  EXPECT_LE(free_bytes, 1u << 20);
}

}  // namespace
}  // namespace kith::storage
