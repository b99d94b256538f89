#include "shard/backup/backup_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/sha256.h"

namespace kith::shard {
namespace {

constexpr char kManifestKind[] = "kith-backup";
constexpr char kNoOrigin[] = "-";

bool IsHash(std::string_view text) {
  return text.size() == storage::kSha256Digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A name that stays in its folder: no slash, and no dot in front.
bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._-") == std::string_view::npos;
}

bool IsPath(std::string_view path) {
  for (const std::string_view folder : {"state/", "seg/", "artifacts/"}) {
    if (path.starts_with(folder)) return IsFileName(path.substr(folder.size()));
  }
  return false;
}

std::string FileToText(const BackupFile& file) {
  return fmt::format("{} {} {} {}", file.path, file.bytes, file.sha256,
                     file.origin.empty() ? kNoOrigin : file.origin);
}

bool FileFromText(const std::string& text, BackupFile& file) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  if (parts.size() != 4 || !IsPath(parts[0]) || !IsHash(parts[2]) ||
      !absl::SimpleAtoi(parts[1], &file.bytes)) {
    return false;
  }
  file.path = parts[0];
  file.sha256 = parts[2];
  if (parts[3] != kNoOrigin) file.origin = parts[3];
  return true;
}

std::string ShardToText(const BackupShard& shard) {
  return fmt::format("{} {} {} {}", shard.shard, shard.lsn, shard.points, shard.digest);
}

bool ShardFromText(const std::string& text, BackupShard& shard) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  if (parts.size() != 4) return false;
  shard.digest = parts[3];
  return absl::SimpleAtoi(parts[0], &shard.shard) && absl::SimpleAtoi(parts[1], &shard.lsn) &&
         absl::SimpleAtoi(parts[2], &shard.points);
}

// Takes the lines after the head: collections, in each its shards, in each its files.
class Lines {
 public:
  explicit Lines(BackupManifest& manifest) : manifest_(manifest) {}

  bool Take(const std::string& key, const std::string& value) {
    if (key == "collection") {
      manifest_.collections.push_back({value, {}, {}});
      return true;
    }
    if (manifest_.collections.empty()) return true;  // the head
    CollectionManifest& collection = manifest_.collections.back();
    if (key == "record") {
      collection.record = value;
      return true;
    }
    if (key == "shard") {
      return ShardFromText(value, collection.shards.emplace_back().facts);
    }
    if (key != "file" || collection.shards.empty()) return false;
    ShardManifest& shard = collection.shards.back();
    BackupFile file;
    if (!FileFromText(value, file)) return false;
    shard.facts.bytes += file.bytes;
    shard.files.push_back(std::move(file));
    return true;
  }

 private:
  BackupManifest& manifest_;
};

}  // namespace

std::vector<PlacedFile> FilesOf(const BackupManifest& manifest) {
  std::vector<PlacedFile> files;
  for (const CollectionManifest& collection : manifest.collections) {
    for (const ShardManifest& shard : collection.shards) {
      for (const BackupFile& file : shard.files) files.push_back({&collection, &shard, &file});
    }
  }
  return files;
}

std::string PlaceOf(const BackupManifest& backup, const CollectionManifest& collection,
                    const ShardManifest& shard, const BackupFile& file) {
  return fmt::format("backup {}, collection {}, shard {}: {}", backup.name, collection.name,
                     shard.facts.shard, file.path);
}

Backup SummaryOf(const BackupManifest& manifest) {
  Backup backup;
  backup.name = manifest.name;
  backup.created_unix_ms = manifest.created_unix_ms;
  backup.added_bytes = manifest.added_bytes;
  for (const CollectionManifest& collection : manifest.collections) {
    BackupCollection& summary = backup.collections.emplace_back();
    summary.name = collection.name;
    summary.record = collection.record;
    for (const ShardManifest& shard : collection.shards) {
      summary.shards.push_back(shard.facts);
      backup.bytes += shard.facts.bytes;
    }
  }
  return backup;
}

std::string EncodeBackupManifest(const BackupManifest& manifest) {
  storage::CheckedText text(kManifestKind);
  text.Put("backup", manifest.name);
  text.Put("created_unix_ms", manifest.created_unix_ms);
  text.Put("added_bytes", manifest.added_bytes);
  for (const CollectionManifest& collection : manifest.collections) {
    text.Put("collection", collection.name);
    text.Put("record", collection.record);
    for (const ShardManifest& shard : collection.shards) {
      text.Put("shard", ShardToText(shard.facts));
      for (const BackupFile& file : shard.files) text.Put("file", FileToText(file));
    }
  }
  return text.Encode();
}

absl::StatusOr<BackupManifest> ParseBackupManifest(const std::string& path,
                                                   std::string_view bytes) {
  KITH_ASSIGN_OR_RETURN(const storage::CheckedText text,
                        storage::CheckedText::Parse(kManifestKind, path, bytes));
  BackupManifest manifest;
  KITH_ASSIGN_OR_RETURN(manifest.name, text.Text("backup"));
  KITH_ASSIGN_OR_RETURN(manifest.created_unix_ms, text.Number("created_unix_ms"));
  KITH_ASSIGN_OR_RETURN(manifest.added_bytes, text.Number("added_bytes"));
  Lines lines(manifest);
  for (const auto& [key, value] : text.fields()) {
    if (lines.Take(key, value)) continue;
    return storage::CorruptFile(path, fmt::format("\"{}={}\" is nothing that a backup is made of",
                                                  key, value.substr(0, 80)));
  }
  return manifest;
}

}  // namespace kith::shard
