#include "tests/support/hooked_file_system.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "tests/support/hooked_rocks_file_system.h"

namespace kith::test {
namespace {

using storage::MappedFile;
using storage::WritableFile;

// Runs `real` behind the hooks; its own error, with path and remedy, goes before the errno.
absl::Status Through(DiskHooks& hooks, const DiskCall& call,
                     const std::function<absl::Status()>& real) {
  absl::Status status;
  const int error = hooks.Run(call, [&] {
    status = real();
    return status.ok() ? 0 : EIO;
  });
  if (!status.ok() || error == 0) return status;
  return storage::ErrnoStatus(error, "change", call.path);
}

class HookedWritableFile final : public WritableFile {
 public:
  HookedWritableFile(DiskHooks& hooks, std::string path, std::unique_ptr<WritableFile> real)
      : hooks_(hooks), path_(std::move(path)), real_(std::move(real)) {}

  absl::Status Append(std::string_view bytes) override {
    return Through(hooks_, {DiskCall::Kind::kAppend, path_, {}, bytes.size()},
                   [&] { return real_->Append(bytes); });
  }
  absl::Status Sync() override {
    return Through(hooks_, {DiskCall::Kind::kSyncFile, path_, {}, 0},
                   [&] { return real_->Sync(); });
  }

 private:
  DiskHooks& hooks_;
  const std::string path_;
  const std::unique_ptr<WritableFile> real_;
};

class HookedMappedFile final : public MappedFile {
 public:
  HookedMappedFile(DiskHooks& hooks, std::string path, std::unique_ptr<MappedFile> real)
      : hooks_(hooks), path_(std::move(path)), real_(std::move(real)) {}

  std::byte* data() override { return real_->data(); }
  size_t size() const override { return real_->size(); }
  absl::Status Sync() override {
    return Through(hooks_, {DiskCall::Kind::kSyncMap, path_, {}, 0}, [&] { return real_->Sync(); });
  }

 private:
  DiskHooks& hooks_;
  const std::string path_;
  const std::unique_ptr<MappedFile> real_;
};

}  // namespace

HookedFileSystem::HookedFileSystem(DiskHooks& hooks)
    : hooks_(hooks), real_(storage::NewPosixFileSystem()), env_(NewHookedRocksEnv(hooks)) {}

HookedFileSystem::~HookedFileSystem() = default;

absl::Status HookedFileSystem::CreateDirectories(const std::string& path) {
  if (real_->Exists(path)) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(CreateDirectories(storage::ParentDirectory(path)));
  return Through(hooks_, {DiskCall::Kind::kMakeDirectory, path, {}, 0},
                 [&] { return real_->CreateDirectories(path); });
}

absl::Status HookedFileSystem::SyncDirectory(const std::string& path) {
  return Through(hooks_, {DiskCall::Kind::kSyncDirectory, path, {}, 0},
                 [&] { return real_->SyncDirectory(path); });
}

absl::Status HookedFileSystem::SyncFile(const std::string& path) {
  return Through(hooks_, {DiskCall::Kind::kSyncFile, path, {}, 0},
                 [&] { return real_->SyncFile(path); });
}

absl::StatusOr<std::vector<std::string>> HookedFileSystem::List(const std::string& path) {
  return real_->List(path);
}

absl::Status HookedFileSystem::Remove(const std::string& path) {
  return Through(hooks_, {DiskCall::Kind::kRemoveFile, path, {}, 0},
                 [&] { return real_->Remove(path); });
}

absl::Status HookedFileSystem::RemoveTree(const std::string& path) {
  if (!real_->Exists(path)) return absl::OkStatus();
  if (!std::filesystem::is_directory(path)) return Remove(path);
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, real_->List(path));
  for (const std::string& name : names) KITH_RETURN_IF_ERROR(RemoveTree(path + "/" + name));
  return Through(hooks_, {DiskCall::Kind::kRemoveDirectory, path, {}, 0},
                 [&] { return real_->RemoveTree(path); });
}

absl::Status HookedFileSystem::Rename(const std::string& from, const std::string& to) {
  return Through(hooks_, {DiskCall::Kind::kRename, from, to, 0},
                 [&] { return real_->Rename(from, to); });
}

absl::StatusOr<std::unique_ptr<WritableFile>> HookedFileSystem::Create(const std::string& path) {
  std::unique_ptr<WritableFile> file;
  KITH_RETURN_IF_ERROR(Through(hooks_, {DiskCall::Kind::kCreateFile, path, {}, 0}, [&] {
    auto created = real_->Create(path);
    if (created.ok()) file = *std::move(created);
    return created.status();
  }));
  return std::make_unique<HookedWritableFile>(hooks_, path, std::move(file));
}

absl::Status HookedFileSystem::Link(const std::string& from, const std::string&) {
  return absl::UnimplementedError("second names are not simulated: " + from);
}

absl::StatusOr<std::string> HookedFileSystem::ReadAll(const std::string& path, uint64_t bytes_max) {
  return real_->ReadAll(path, bytes_max);
}

absl::StatusOr<std::unique_ptr<MappedFile>> HookedFileSystem::MapReadOnly(const std::string& path) {
  return real_->MapReadOnly(path);
}

absl::StatusOr<std::unique_ptr<MappedFile>> HookedFileSystem::MapShared(const std::string& path,
                                                                        size_t size) {
  std::unique_ptr<MappedFile> file;
  KITH_RETURN_IF_ERROR(Through(hooks_, {DiskCall::Kind::kMap, path, {}, size}, [&] {
    auto mapped = real_->MapShared(path, size);
    if (mapped.ok()) file = *std::move(mapped);
    return mapped.status();
  }));
  return std::make_unique<HookedMappedFile>(hooks_, path, std::move(file));
}

absl::StatusOr<uint64_t> HookedFileSystem::FreeBytes(const std::string& path) {
  const std::optional<uint64_t> bytes = hooks_.FreeBytes();
  return bytes.has_value() ? *bytes : real_->FreeBytes(path);
}

}  // namespace kith::test
