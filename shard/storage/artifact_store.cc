#include "shard/storage/artifact_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

constexpr size_t kHashDigits = 32;
constexpr uint64_t kArtifactBytesMax = uint64_t{8} << 30;  // 2^18 lists of 4,096 dimensions: 4 GiB
constexpr size_t kIncomingMax = 4;

absl::Status NotHere(const std::string& path, const std::string& hash) {
  return Error(absl::StatusCode::kNotFound, reason::kIndexVersionNotReady,
               fmt::format("this node does not have index version {} (no file {})", hash, path));
}

absl::Status BadChunk(const ArtifactChunk& chunk, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("chunk of artifact {} at {}: {}", chunk.artifact, chunk.offset, what));
}

absl::StatusOr<std::shared_ptr<const index::IndexVersion>> ParseArtifact(const std::string& path,
                                                                         const std::string& hash,
                                                                         std::string_view bytes) {
  auto version = index::ParseIndexVersion(bytes);
  if (!version.ok()) return CorruptFile(path, version.status().message());
  if ((*version)->hash == hash) return *version;
  return CorruptFile(path, fmt::format("it holds index version {}", (*version)->hash));
}

absl::Status CheckChunk(const ArtifactChunk& chunk) {
  if (chunk.total_bytes == 0 || chunk.total_bytes > kArtifactBytesMax) {
    return BadChunk(chunk, fmt::format("total_bytes must be 1 to {}", kArtifactBytesMax));
  }
  if (chunk.data.empty() || chunk.data.size() > limits::kArtifactChunkBytes) {
    return BadChunk(chunk,
                    fmt::format("data must have 1 to {} bytes", limits::kArtifactChunkBytes));
  }
  if (chunk.offset > chunk.total_bytes || chunk.data.size() > chunk.total_bytes - chunk.offset) {
    return BadChunk(chunk, "it runs over total_bytes");
  }
  if (chunk.checksum != XXH3_64bits(chunk.data.data(), chunk.data.size())) {
    return BadChunk(chunk, "its checksum does not match: it was damaged on the way, send it again");
  }
  return absl::OkStatus();
}

}  // namespace

ArtifactStore::ArtifactStore(std::string directory, FileSystem& files)
    : directory_(std::move(directory)), files_(files) {}

absl::StatusOr<std::string> ArtifactStore::PathOf(const std::string& hash) const {
  const bool digits =
      hash.size() == kHashDigits && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digits) return fmt::format("{}/{}", directory_, hash);
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               "an index version is named by 32 lower-case hex digits");
}

absl::Status ArtifactStore::Save(const index::IndexVersion& version) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(version.hash));
  std::lock_guard lock(mutex_);
  unused_sweeps_.erase(version.hash);
  if (files_.Exists(path)) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(files_.EnsureDirectory(directory_));
  return files_.ReplaceFile(path, index::SerializeIndexVersion(version));
}

absl::StatusOr<std::shared_ptr<const index::IndexVersion>> ArtifactStore::Load(
    const std::string& hash) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(hash));
  std::lock_guard lock(mutex_);
  unused_sweeps_.erase(hash);
  std::weak_ptr<const index::IndexVersion>& known = loaded_[hash];
  if (auto version = known.lock()) return version;
  if (!files_.Exists(path)) {
    loaded_.erase(hash);
    return NotHere(path, hash);
  }
  KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(path, kArtifactBytesMax));
  KITH_ASSIGN_OR_RETURN(auto version, ParseArtifact(path, hash, bytes));
  known = version;
  return version;
}

absl::Status ArtifactStore::Verify(const std::string& hash) const {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(hash));
  if (!files_.Exists(path)) return NotHere(path, hash);
  KITH_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadAll(path, kArtifactBytesMax));
  return ParseArtifact(path, hash, bytes).status();
}

absl::Status ArtifactStore::Replace(const index::IndexVersion& version) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(version.hash));
  std::lock_guard lock(mutex_);
  KITH_RETURN_IF_ERROR(files_.EnsureDirectory(directory_));
  return files_.ReplaceFile(path, index::SerializeIndexVersion(version));
}

absl::StatusOr<ArtifactChunk> ArtifactStore::ReadChunk(const std::string& hash, uint64_t offset) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(hash));
  {
    std::lock_guard lock(mutex_);
    unused_sweeps_.erase(hash);
  }
  if (!files_.Exists(path)) return NotHere(path, hash);
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files_.MapReadOnly(path));
  ArtifactChunk chunk{hash, offset, map->size(), {}, 0};
  if (offset >= map->size()) return BadChunk(chunk, "it begins behind the end of the artifact");
  const size_t size = std::min<uint64_t>(limits::kArtifactChunkBytes, map->size() - offset);
  chunk.data.assign(reinterpret_cast<const char*>(map->data()) + offset, size);
  chunk.checksum = XXH3_64bits(chunk.data.data(), chunk.data.size());
  return chunk;
}

// Memory grows by what arrived, never by what was announced.
absl::Status ArtifactStore::WriteChunk(const ArtifactChunk& chunk) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(chunk.artifact));
  KITH_RETURN_IF_ERROR(CheckChunk(chunk));
  std::lock_guard lock(mutex_);
  unused_sweeps_.erase(chunk.artifact);
  if (files_.Exists(path)) return absl::OkStatus();
  if (!incoming_.contains(chunk.artifact) && incoming_.size() >= kIncomingMax) {
    incoming_.erase(incoming_.begin());  // its sender begins again, or went away long ago
  }
  std::string& received = incoming_[chunk.artifact];
  if (chunk.offset == 0) received.clear();  // the sender began again
  if (chunk.offset != received.size()) {
    return BadChunk(chunk, fmt::format("the next one begins at {}", received.size()));
  }
  received += chunk.data;
  if (received.size() < chunk.total_bytes) return absl::OkStatus();
  const std::string bytes = std::move(received);
  incoming_.erase(chunk.artifact);
  return Complete(chunk.artifact, bytes);
}

absl::Status ArtifactStore::Complete(const std::string& hash, const std::string& bytes) {
  KITH_ASSIGN_OR_RETURN(const std::string path, PathOf(hash));
  KITH_RETURN_IF_ERROR(ParseArtifact("the artifact received for " + path, hash, bytes).status());
  KITH_RETURN_IF_ERROR(files_.EnsureDirectory(directory_));
  KITH_RETURN_IF_ERROR(files_.ReplaceFile(path, bytes));
  spdlog::info("event=artifact_received version={} bytes={}", hash, bytes.size());
  return absl::OkStatus();
}

bool ArtifactStore::IsUnused(const std::string& hash, const std::set<std::string>& used) {
  const auto loaded = loaded_.find(hash);
  return !used.contains(hash) && (loaded == loaded_.end() || loaded->second.expired());
}

absl::Status ArtifactStore::Sweep(const std::set<std::string>& used) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory_));
  for (const std::string& name : names) {
    const absl::StatusOr<std::string> path = PathOf(name);
    if (!path.ok()) continue;  // not one of ours
    if (!IsUnused(name, used)) {
      unused_sweeps_.erase(name);
    } else if (++unused_sweeps_[name] >= kSweepsUnused) {
      KITH_RETURN_IF_ERROR(files_.Remove(*path));
      unused_sweeps_.erase(name);
      loaded_.erase(name);
      spdlog::info("event=artifact_removed version={} why=unused", name);
    }
  }
  return absl::OkStatus();
}

}  // namespace kith::storage
