#include "tests/support/full_disk_file_system.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace kith::test {
namespace {

uint64_t BytesNeeded(const DiskCall& call) {
  if (call.kind == DiskCall::Kind::kAppend) return call.size;
  if (call.kind != DiskCall::Kind::kMap) return 0;
  std::error_code error;
  const uint64_t now = std::filesystem::file_size(call.path, error);
  return call.size - std::min(call.size, error ? 0 : now);
}

}  // namespace

void FullDisk::AddBytes(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  free_bytes_ += bytes;
}

bool FullDisk::Take(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (bytes > free_bytes_) return false;
  free_bytes_ -= bytes;
  return true;
}

int FullDisk::Run(const DiskCall& call, const RealOperation& real) {
  const bool is_here = call.path.find(below_) != std::string::npos;
  return !is_here || Take(BytesNeeded(call)) ? real() : ENOSPC;
}

std::optional<uint64_t> FullDisk::FreeBytes() {
  if (!below_.empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  return free_bytes_;
}

}  // namespace kith::test
