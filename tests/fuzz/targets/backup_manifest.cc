// The list of a backup's files: as it is, and with the checksum in its last line made right.
#include "shard/backup/backup_manifest.h"

#include "tests/fuzz/checked_bytes.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

using shard::BackupManifest;

void RequireInside(const BackupManifest& manifest) {
  for (const shard::CollectionManifest& collection : manifest.collections) {
    for (const shard::ShardManifest& one : collection.shards) {
      for (const shard::BackupFile& file : one.files) {
        const bool leaves = file.path.front() == '/' || file.path.find("/.") != std::string::npos;
        Require(!leaves, "a path stays in the shard's directory");
        Require(file.sha256.find('/') == std::string::npos, "a hash is one name");
      }
    }
  }
}

void Take(const std::string& bytes) {
  const auto manifest = shard::ParseBackupManifest("nightly", bytes);
  if (!manifest.ok()) return;
  RequireInside(*manifest);
  const std::string encoded = shard::EncodeBackupManifest(*manifest);
  const auto again = shard::ParseBackupManifest("nightly", encoded);
  Require(again.ok() && shard::EncodeBackupManifest(*again) == encoded,
          "a manifest comes back as it was");
}

}  // namespace

std::vector<std::string> Seeds() {
  BackupManifest manifest;
  manifest.name = "nightly";
  manifest.created_unix_ms = 1'800'000'000'000;
  const std::string empty = shard::EncodeBackupManifest(manifest);
  manifest.added_bytes = 300;
  shard::ShardManifest one;
  one.facts = {3, 1000, 77, 300, std::string(32, 'd')};
  one.files = {{"state/000012.sst", 100, std::string(64, 'a'), "table:1:3:000012.sst:100:0f"},
               {"state/CURRENT", 16, std::string(64, 'b'), ""},
               {"seg/00000001.seg", 184, std::string(64, 'c'), "frame:184:0123"}};
  manifest.collections = {{"colors", "a\nrecord\xff", {one, one}}, {"empty", "", {}}};
  const std::string whole = shard::EncodeBackupManifest(manifest);
  return {empty, whole, std::string(WithoutChecksum(empty)), std::string(WithoutChecksum(whole))};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  const std::string input(reinterpret_cast<const char*>(data), size);
  Take(input);
  Take(WithChecksum(input));
  return 0;
}
