#include "cli/commands/backup_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <string>

#include "cli/console/progress.h"
#include "cli/console/table.h"

namespace kith::cli {
namespace {

std::string TimeText(uint64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &parts)};
}

uint64_t PointsOf(const v1::BackupCollection& collection) {
  uint64_t points = 0;
  for (const v1::BackupShard& shard : collection.shards()) points += shard.points();
  return points;
}

std::string CollectionsText(const v1::Backup& backup) {
  if (!backup.error_message().empty()) {
    return fmt::format("CANNOT BE READ: {} ({})", backup.error_message(), backup.error_reason());
  }
  std::string text;
  for (const v1::BackupCollection& collection : backup.collections()) {
    text += fmt::format("{}{} ({} points)", text.empty() ? "" : ", ", collection.collection(),
                        WithThousands(PointsOf(collection)));
  }
  return text;
}

Json BackupJson(const v1::Backup& backup) {
  Json collections = Json::array();
  for (const v1::BackupCollection& collection : backup.collections()) {
    Json shards = Json::array();
    for (const v1::BackupShard& shard : collection.shards()) {
      shards.push_back({{"shard", shard.shard()},
                        {"points", shard.points()},
                        {"lsn", shard.lsn()},
                        {"bytes", shard.bytes()},
                        {"digest", shard.digest()}});
    }
    collections.push_back({{"collection", collection.collection()}, {"shards", shards}});
  }
  return {{"backup", backup.backup()},
          {"created_unix_ms", backup.created_unix_ms()},
          {"bytes", backup.bytes()},
          {"added_bytes", backup.added_bytes()},
          {"collections", collections},
          {"error_reason", backup.error_reason()},
          {"error_message", backup.error_message()}};
}

}  // namespace

void PrintBackups(const v1::ListBackupsResponse& backups, Terminal& terminal) {
  Table table({"BACKUP", "MADE", "BYTES", "NEW BYTES", "COLLECTIONS"});
  for (const v1::Backup& backup : backups.backups()) {
    const bool is_read = backup.error_message().empty();
    table.Add({backup.backup(), is_read ? TimeText(backup.created_unix_ms()) : "?",
               WithThousands(backup.bytes()), WithThousands(backup.added_bytes()),
               CollectionsText(backup)});
  }
  table.Print(terminal.out);
}

Json ToJson(const v1::ListBackupsResponse& backups) {
  Json all = Json::array();
  for (const v1::Backup& backup : backups.backups()) all.push_back(BackupJson(backup));
  return all;
}

}  // namespace kith::cli
