#include "shard/storage/room_wait.h"

#include <rocksdb/file_system.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "shard/storage/rocks_status.h"

namespace kith::storage {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr auto kAgainEvery = std::chrono::milliseconds(200);

// Writes at places of its own: a write that the disk cut short is simply made again, where an
// append would repeat its first bytes.
class RoomWaitingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  RoomWaitingFile(RoomWait& room, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), room_(room), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Grow(data.size(),
                [&] { return target()->PositionedAppend(data, size_, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& checksum,
                  IODebugContext* debug) override {
    return Grow(data.size(),
                [&] { return target()->PositionedAppend(data, size_, options, checksum, debug); });
  }

 private:
  IOStatus Grow(size_t bytes, const std::function<IOStatus()>& write) {
    IOStatus status = room_.Repeat(path_, write);
    if (status.ok()) size_ += bytes;
    return status;
  }

  RoomWait& room_;
  const std::string path_;
  uint64_t size_ = 0;
};

class RoomWaitingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  RoomWaitingFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, RoomWait& room)
      : FileSystemWrapper(base), room_(room) {}

  static const char* kClassName() { return "kith.RoomWaitingFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status =
        room_.Repeat(path, [&] { return target_->NewWritableFile(path, options, file, debug); });
    if (status.ok()) *file = std::make_unique<RoomWaitingFile>(room_, path, std::move(*file));
    return status;
  }
  // Its files begin at an end that is not known here, and a state never asks for one.
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files are written from start to end here", path);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files are not reused here", path);
  }

 private:
  RoomWait& room_;
};

}  // namespace

void RoomWait::Begin() {
  std::lock_guard lock(mutex_);
  waits_ = true;
}

void RoomWait::End() {
  std::lock_guard lock(mutex_);
  waits_ = false;
  ended_.notify_all();
}

IOStatus RoomWait::Repeat(const std::string& path, const std::function<IOStatus()>& write) {
  IOStatus status = write();
  if (!IsDiskFull(status)) return status;
  {
    std::lock_guard lock(mutex_);
    if (!waits_) return status;
  }
  return WaitAndRepeat(path, write);
}

IOStatus RoomWait::WaitAndRepeat(const std::string& path, const std::function<IOStatus()>& write) {
  ++*waiting_;
  spdlog::error("event=state_waits_for_room path={}", path);
  IOStatus status;
  bool waits = true;
  while (waits) {
    {
      std::unique_lock lock(mutex_);
      waits = !ended_.wait_for(lock, kAgainEvery, [this] { return !waits_; });
    }
    status = write();
    if (!IsDiskFull(status)) break;
  }
  --*waiting_;
  if (status.ok()) spdlog::info("event=state_has_room path={}", path);
  return status;
}

std::unique_ptr<rocksdb::Env> NewRoomWaitingEnv(rocksdb::Env& base, RoomWait& room) {
  return rocksdb::NewCompositeEnv(
      std::make_shared<RoomWaitingFileSystem>(base.GetFileSystem(), room));
}

}  // namespace kith::storage
