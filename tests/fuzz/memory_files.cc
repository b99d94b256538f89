#include "tests/fuzz/memory_files.h"

#include <algorithm>
#include <utility>

namespace kith::fuzz {
namespace {

using Bytes = MemoryFiles::Bytes;

absl::Status Missing(const std::string& path) { return absl::NotFoundError(path); }

class MemoryMap final : public storage::MappedFile {
 public:
  explicit MemoryMap(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
  std::byte* data() override { return bytes_->data(); }
  size_t size() const override { return bytes_->size(); }
  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<Bytes> bytes_;
};

class MemoryWriter final : public storage::WritableFile {
 public:
  explicit MemoryWriter(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
  absl::Status Append(std::string_view bytes) override {
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    bytes_->insert(bytes_->end(), begin, begin + bytes.size());
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<Bytes> bytes_;
};

class MemoryReader final : public storage::ReadableFile {
 public:
  explicit MemoryReader(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<size_t> Read(char* to, size_t size) override {
    const size_t count = std::min(size, bytes_->size() - at_);
    std::copy_n(reinterpret_cast<const char*>(bytes_->data()) + at_, count, to);
    at_ += count;
    return count;
  }

 private:
  const std::shared_ptr<Bytes> bytes_;
  size_t at_ = 0;
};

}  // namespace

void MemoryFiles::Put(const std::string& path, std::string_view bytes) {
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  files_[path] = std::make_shared<Bytes>(begin, begin + bytes.size());
}

std::string MemoryFiles::Get(const std::string& path) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return {};
  return {reinterpret_cast<const char*>(found->second->data()), found->second->size()};
}

absl::StatusOr<std::vector<std::string>> MemoryFiles::List(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files_) {
    if (name.starts_with(path + "/")) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

absl::Status MemoryFiles::Remove(const std::string& path) {
  return files_.erase(path) == 1 ? absl::OkStatus() : Missing(path);
}

absl::Status MemoryFiles::RemoveTree(const std::string& path) {
  std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(path); });
  return absl::OkStatus();
}

absl::Status MemoryFiles::Rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return Missing(from);
  files_[to] = std::move(found->second);
  files_.erase(from);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<storage::WritableFile>> MemoryFiles::Create(
    const std::string& path) {
  files_[path] = std::make_shared<Bytes>();
  return std::make_unique<MemoryWriter>(files_[path]);
}

absl::Status MemoryFiles::Link(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return Missing(from);
  files_[to] = found->second;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<storage::ReadableFile>> MemoryFiles::OpenToRead(
    const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return Missing(path);
  return std::make_unique<MemoryReader>(found->second);
}

absl::StatusOr<uint64_t> MemoryFiles::FileBytes(const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return Missing(path);
  return found->second->size();
}

absl::StatusOr<std::string> MemoryFiles::ReadAll(const std::string& path, uint64_t bytes_max) {
  if (!Exists(path)) return Missing(path);
  std::string bytes = Get(path);
  if (bytes.size() > bytes_max) return absl::DataLossError(path);
  return bytes;
}

absl::StatusOr<std::unique_ptr<storage::MappedFile>> MemoryFiles::MapReadOnly(
    const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return Missing(path);
  return std::make_unique<MemoryMap>(found->second);
}

absl::StatusOr<std::unique_ptr<storage::MappedFile>> MemoryFiles::MapShared(const std::string& path,
                                                                            size_t size) {
  std::shared_ptr<Bytes>& bytes = files_[path];
  if (bytes == nullptr) bytes = std::make_shared<Bytes>();
  if (bytes->size() < size) bytes->resize(size);
  return std::make_unique<MemoryMap>(bytes);
}

}  // namespace kith::fuzz
