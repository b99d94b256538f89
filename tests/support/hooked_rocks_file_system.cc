#include "tests/support/hooked_rocks_file_system.h"

#include <rocksdb/file_system.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace kith::test {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus Through(DiskHooks& hooks, const DiskCall& call, const std::function<IOStatus()>& real) {
  IOStatus status;
  const int error = hooks.Run(call, [&] {
    status = real();
    return status.ok() ? 0 : EIO;
  });
  if (!status.ok() || error == 0) return status;
  if (error == ENOSPC) return IOStatus::NoSpace(call.path, std::strerror(error));
  return IOStatus::IOError(call.path, std::strerror(error));
}

class HookedWritable final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  HookedWritable(DiskHooks& hooks, std::string path, std::unique_ptr<rocksdb::FSWritableFile> real)
      : FSWritableFileOwnerWrapper(std::move(real)), hooks_(hooks), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Through(hooks_, Call(DiskCall::Kind::kAppend, data.size()),
                   [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& checksum,
                  IODebugContext* debug) override {
    return Through(hooks_, Call(DiskCall::Kind::kAppend, data.size()),
                   [&] { return target()->Append(data, options, checksum, debug); });
  }
  // The simulated disks know files that grow, and the states' files grow at their end.
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return Grow(data, offset,
                [&] { return target()->PositionedAppend(data, offset, options, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const DataVerificationInfo& checksum, IODebugContext* debug) override {
    return Grow(data, offset,
                [&] { return target()->PositionedAppend(data, offset, options, checksum, debug); });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return Through(hooks_, Call(DiskCall::Kind::kTruncate, size),
                   [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Through(hooks_, Call(DiskCall::Kind::kSyncFile, 0),
                   [&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Through(hooks_, Call(DiskCall::Kind::kSyncFile, 0),
                   [&] { return target()->Fsync(options, debug); });
  }

 private:
  DiskCall Call(DiskCall::Kind kind, uint64_t size) const { return {kind, path_, {}, size}; }
  IOStatus Grow(const Slice& data, uint64_t offset, const std::function<IOStatus()>& real) {
    if (offset != size_) return IOStatus::NotSupported("files are written in order here", path_);
    IOStatus status = Through(hooks_, Call(DiskCall::Kind::kAppend, data.size()), real);
    if (status.ok()) size_ += data.size();
    return status;
  }

  DiskHooks& hooks_;
  const std::string path_;
  uint64_t size_ = 0;  // as far as it was written at places
};

class HookedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  HookedDirectory(DiskHooks& hooks, std::string path, std::unique_ptr<rocksdb::FSDirectory> real)
      : FSDirectoryWrapper(std::move(real)), hooks_(hooks), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kSyncDirectory, path_, {}, 0},
                   [&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  DiskHooks& hooks_;
  const std::string path_;
};

class HookedRocksFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit HookedRocksFileSystem(DiskHooks& hooks)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), hooks_(hooks) {}

  static const char* kClassName() { return "kith.HookedFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    const IOStatus status = Through(hooks_, {DiskCall::Kind::kCreateFile, path, {}, 0}, [&] {
      return target_->NewWritableFile(path, options, file, debug);
    });
    if (status.ok()) *file = std::make_unique<HookedWritable>(hooks_, path, std::move(*file));
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    const IOStatus status = target_->ReopenWritableFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<HookedWritable>(hooks_, path, std::move(*file));
    return status;
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files are not reused here", path);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files are written from start to end here", path);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    const IOStatus status = target_->NewDirectory(path, options, directory, debug);
    if (status.ok()) {
      *directory = std::make_unique<HookedDirectory>(hooks_, path, std::move(*directory));
    }
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kRemoveFile, path, {}, 0},
                   [&] { return target_->DeleteFile(path, options, debug); });
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kTruncate, path, {}, size},
                   [&] { return target_->Truncate(path, size, options, debug); });
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kMakeDirectory, path, {}, 0},
                   [&] { return target_->CreateDir(path, options, debug); });
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    if (target_->FileExists(path, options, debug).ok()) return IOStatus::OK();
    return CreateDir(path, options, debug);
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kRemoveDirectory, path, {}, 0},
                   [&] { return target_->DeleteDir(path, options, debug); });
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return Through(hooks_, {DiskCall::Kind::kRename, from, to, 0},
                   [&] { return target_->RenameFile(from, to, options, debug); });
  }
  IOStatus LinkFile(const std::string& from, const std::string&, const IOOptions&,
                    IODebugContext*) override {
    return IOStatus::NotSupported("hard links are not simulated", from);
  }

 private:
  DiskHooks& hooks_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewHookedRocksEnv(DiskHooks& hooks) {
  return rocksdb::NewCompositeEnv(std::make_shared<HookedRocksFileSystem>(hooks));
}

}  // namespace kith::test
