#ifndef KITH_SHARD_STORAGE_LOG_TRUNCATION_H_
#define KITH_SHARD_STORAGE_LOG_TRUNCATION_H_

#include <rocksdb/compaction_filter.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace kith::storage {

// Up to where each shard's log may go, and the compaction filter that lets it go. It works when a
// memtable is flushed too: entries that were applied in time never reach a table file.
//
// The bounds live in memory only. Lost ones cost a little disk until the shards set them again.
//
// Threads: any.
class LogTruncation final : public rocksdb::CompactionFilterFactory {
 public:
  using Bounds = std::map<uint64_t, uint64_t>;  // shard -> last lsn that may go

  void Raise(uint64_t shard, uint64_t lsn);
  // Before the shard's entries are deleted: the same shard may start again from lsn 1.
  void Forget(uint64_t shard);

  const char* Name() const override { return "kith.LogTruncation"; }
  bool ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason reason) const override;
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;

 private:
  std::mutex mutex_;
  Bounds bounds_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_TRUNCATION_H_
