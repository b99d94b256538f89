#include "shard/storage/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/data_structure.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include "common/base/scheduling.h"
#include "shard/storage/digest_merge.h"
#include "shard/storage/rocks_store_memory.h"

namespace kith::storage {
namespace {

constexpr size_t kProtectionBytes = 8;
// Nothing reads the log but a start, once from front to back, and the checks of new files.
constexpr uint64_t kLogBlockCacheBytes = 2 << 20;
constexpr double kBloomBitsPerKey = 10;
// Of a write buffer: about 16 bits an id, and not more than 1/3 MB a shard that holds few of them.
constexpr double kMemtableBloomShare = 0.005;

constexpr int kBackgroundNice = 10;

// Nobody waits for flushes and compactions while they keep up; where they do not, RocksDB makes the
// writer wait. Asked of RocksDB's own pools they would get the lowest priority there is, and a
// flush hardly a turn beside searches on every core.
class YieldingBackground final : public rocksdb::EventListener {
 public:
  // A full disk is the one error that RocksDB would recover from by itself, wrongly: room_wait.h.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override {
    YieldToOthers(kBackgroundNice);
  }
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    YieldToOthers(kBackgroundNice);
  }
};

// What both databases have in common: nothing that trades certainty for speed, and no errors that
// RocksDB repairs by itself (a failed sync must be seen).
void PinDatabase(rocksdb::DBOptions& options, rocksdb::Env* env) {
  options.env = env;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.flush_verify_memtable_count = true;
  options.verify_sst_unique_id_in_manifest = true;
  options.track_and_verify_wals_in_manifest = true;  // helps closed WALs only
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.max_bgerror_resume_count = 0;  // a WAL or flush error stops the shard
  options.recycle_log_file_num = 0;
  options.wal_bytes_per_sync = 0;          // it can sync a newer WAL before an older one
  options.enable_pipelined_write = false;  // fewest code paths
  options.unordered_write = false;
  options.two_write_queues = false;
  options.allow_2pc = false;
  options.bytes_per_sync = 1 << 20;
  options.keep_log_file_num = 2;  // RocksDB's own text logs
  options.max_log_file_size = 16 << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;  // no thread of its own for statistics
  options.stats_persist_period_sec = 0;
  options.listeners.push_back(std::make_shared<YieldingBackground>());
}

void PinFamily(rocksdb::ColumnFamilyOptions& options, uint64_t write_buffer_bytes) {
  options.write_buffer_size = write_buffer_bytes;
  options.force_consistency_checks = true;
  options.memtable_protection_bytes_per_key = kProtectionBytes;
  options.paranoid_file_checks = true;  // reads every new file once
  options.compression = rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
}

rocksdb::BlockBasedTableOptions TableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.detect_filter_construct_corruption = true;
  return table;
}

rocksdb::ColumnFamilyOptions StateFamily(const StateOptions& options) {
  rocksdb::ColumnFamilyOptions family;
  PinFamily(family, options.write_buffer_bytes);
  family.max_write_buffer_number = 4;  // the writer goes on while a flush runs
  return family;
}

// New ids are looked up before they are written: nearly every answer is "not there", which the
// filters give without a search.
rocksdb::ColumnFamilyOptions KeyedFamily(const StateOptions& options,
                                         const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = StateFamily(options);
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

// Rows are written in order and read by number where they are known to exist: no filter, larger
// blocks, and no second reading of files that hold 90 % of all bytes.
rocksdb::ColumnFamilyOptions RowsFamily(const StateOptions& options,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = StateFamily(options);
  family.paranoid_file_checks = false;
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  table.block_size = 16 << 10;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

rocksdb::ColumnFamilyOptions PlainFamily(const StateOptions& options,
                                         const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = StateFamily(options);
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(cache)));
  return family;
}

rocksdb::ColumnFamilyOptions SysFamily(const StateOptions& options,
                                       const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = PlainFamily(options, cache);
  family.merge_operator = std::make_shared<DigestMerge>();
  return family;
}

// RocksDB's background purge asserts in a database that was opened for reading.
void PinAccess(rocksdb::DBOptions& options, DatabaseAccess access) {
  options.avoid_unnecessary_blocking_io = access == DatabaseAccess::kWrite;
}

}  // namespace

rocksdb::Options LogDatabaseOptions(const LogOptions& options,
                                    std::shared_ptr<LogTruncation> truncation) {
  rocksdb::Options log;
  PinDatabase(log, options.files->rocksdb_env());
  PinAccess(log, options.access);
  PinFamily(log, options.write_buffer_bytes);
  // Refuses a damaged middle, accepts the torn tail that every crash leaves (tests/assumptions).
  log.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  log.checksum_handoff_file_types.Add(rocksdb::FileType::kWalFile);
  log.checksum_handoff_file_types.Add(rocksdb::FileType::kDescriptorFile);
  log.avoid_flush_during_recovery = true;  // a short log is never written a second time
  log.max_background_jobs = 2;
  log.max_write_buffer_number = 4;
  log.compaction_filter_factory = std::move(truncation);
  log.level0_file_num_compaction_trigger = 2;  // what was truncated goes soon
  log.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(TableOptions(rocksdb::NewLRUCache(kLogBlockCacheBytes))));
  return log;
}

rocksdb::WriteOptions LogWriteOptions(const Faults& faults) {
  rocksdb::WriteOptions write;
  write.sync = !faults.acknowledge_before_sync;
  write.protection_bytes_per_key = kProtectionBytes;
  return write;
}

rocksdb::DBOptions StateDatabaseOptions(const StateOptions& options, rocksdb::Env& env) {
  rocksdb::DBOptions state;
  PinDatabase(state, &env);
  PinAccess(state, options.access);
  state.create_missing_column_families = true;
  state.atomic_flush = true;  // without a WAL the families would fall out of step
  state.checksum_handoff_file_types.Add(rocksdb::FileType::kTableFile);
  state.checksum_handoff_file_types.Add(rocksdb::FileType::kDescriptorFile);
  // One writer applies: the plain insert remembers where the last one was, so rows, which come in
  // order, cost no search.
  state.allow_concurrent_memtable_write = false;
  state.max_background_jobs = 2;
  state.write_buffer_manager = options.memory->write_buffers;
  state.rate_limiter = options.memory->background_writes;
  return state;
}

std::vector<rocksdb::ColumnFamilyDescriptor> StateFamilies(const StateOptions& options) {
  const std::shared_ptr<rocksdb::Cache>& cache = options.memory->cache;
  std::vector<rocksdb::ColumnFamilyDescriptor> families(kFamilies);
  // "default" must exist, so the system keys live there.
  families[size_t(Family::kSys)] = {rocksdb::kDefaultColumnFamilyName, SysFamily(options, cache)};
  families[size_t(Family::kRows)] = {"rows", RowsFamily(options, cache)};
  families[size_t(Family::kIds)] = {"ids", KeyedFamily(options, cache)};
  families[size_t(Family::kDead)] = {"dead", PlainFamily(options, cache)};
  families[size_t(Family::kDedupe)] = {"dedupe", KeyedFamily(options, cache)};
  families[size_t(Family::kPostings)] = {"postings", PlainFamily(options, cache)};
  return families;
}

rocksdb::WriteOptions StateWriteOptions(Stall stall) {
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  write.no_slowdown = stall == Stall::kRefuse;
  return write;
}

}  // namespace kith::storage
