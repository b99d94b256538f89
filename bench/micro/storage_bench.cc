// Rows a second through the node's storage, in batches of 256 rows of 80 float32 without a payload.
//
//   bin/kith_storage_bench                  in $TMPDIR or /tmp; the disk decides the log's figure
#include <benchmark/benchmark.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "shard/storage/log_store.h"
#include "shard/storage/row_file.h"
#include "shard/storage/state_store.h"

namespace kith::storage {
namespace {

constexpr uint32_t kRows = 256;
constexpr uint32_t kVectorBytes = 80 * 4;

class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_(std::filesystem::temp_directory_path() /
              ("kith_storage_bench." + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  const std::filesystem::path path_;
};

// A stream of new points, ids in an order that has nothing to do with their keys.
class PointStream {
 public:
  PointKey Next() { return PointKey::FromNumber(++count_ * 0x9e3779b97f4a7c15ull); }

 private:
  uint64_t count_ = 0;
};

class LogBench {
 public:
  explicit LogBench(const TemporaryDirectory& directory) : files_(NewPosixFileSystem()) {
    LogOptions options;
    options.directory = directory / "log";
    options.files = files_.get();
    store_ = LogStore::Open(options).value();
  }
  bool Append() {
    const LogRecord record{1, ++lsn_, 1, body_};
    if (lsn_ % 64 == 0 && !store_->Truncate(1, lsn_ - 64).ok()) return false;
    return store_->Append({&record, 1}).ok();
  }

 private:
  const std::unique_ptr<FileSystem> files_;
  std::unique_ptr<LogStore> store_;
  const std::string body_ = std::string(kRows * (kVectorBytes + 30), 'x');
  uint64_t lsn_ = 0;
};

// What the writer does for one request of new points.
class StateBench {
 public:
  explicit StateBench(const TemporaryDirectory& directory) : files_(NewPosixFileSystem()) {
    StateOptions options;
    options.directory = directory / "state";
    options.files = files_.get();
    store_ = StateStore::Open(options).value();
    row_options_.directory = directory / "rows";
    row_options_.files = files_.get();
    row_options_.vector_bytes = kVectorBytes;
    rows_ = RowFile::Open(row_options_).value();
  }

  bool Apply() {
    keys_.clear();
    for (uint32_t i = 0; i < kRows; ++i) keys_.push_back(points_.Next());
    if (!store_->FindIds(keys_, found_).ok()) return false;
    for (const auto& entry : found_) {
      if (entry.has_value()) return false;
    }
    batch_ = store_->NewBatch();
    if (!rows_->Reserve(next_row_, next_row_ + kRows).ok()) return false;
    for (const PointKey& key : keys_) Put(key);
    ++lsn_;
    batch_->PutDedupe(std::string(16, static_cast<char>(lsn_)), {"hash", lsn_, "reply"});
    batch_->PutApplied({lsn_, 1, next_row_, next_row_});
    return store_->Write(*batch_).ok();
  }

 private:
  void Put(const PointKey& key) {
    const uint16_t slot = SlotOf(key);
    const uint64_t hash = ContentHash(vector_, {});
    digests_[slot].Add(PointDigest(key, 1, hash));
    batch_->PutRow({next_row_, key, 1, vector_, {}});
    batch_->PutId(slot, key, {next_row_, 1});
    batch_->PutDigest(slot, digests_[slot]);
    rows_->Write({next_row_, key, slot, 1, hash, 1, vector_});
    ++next_row_;
  }

  const std::unique_ptr<FileSystem> files_;
  std::unique_ptr<StateStore> store_;
  RowFileOptions row_options_;
  std::unique_ptr<RowFile> rows_;
  PointStream points_;
  std::vector<PointKey> keys_;
  std::vector<std::optional<IdEntry>> found_;
  SlotDigests digests_ = SlotDigests(4096);
  std::unique_ptr<StateBatch> batch_;
  const std::string vector_ = std::string(kVectorBytes, 'v');
  uint32_t next_row_ = 0;
  uint64_t lsn_ = 0;
};

void LogAppend(benchmark::State& state) {
  const TemporaryDirectory directory;
  LogBench log(directory);
  for (auto _ : state) {
    if (!log.Append()) state.SkipWithError("append");
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

void StateApply(benchmark::State& state) {
  const TemporaryDirectory directory;
  StateBench shard(directory);
  for (auto _ : state) {
    if (!shard.Apply()) state.SkipWithError("apply");
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

void LogThenApply(benchmark::State& state) {
  const TemporaryDirectory directory;
  LogBench log(directory);
  StateBench shard(directory);
  for (auto _ : state) {
    if (!log.Append() || !shard.Apply()) state.SkipWithError("write");
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

// 4,000 batches are a million rows: several memtables, so flushes are part of the figure.
BENCHMARK(LogAppend)->Iterations(4000)->UseRealTime()->MeasureProcessCPUTime()->Unit(
    benchmark::kMicrosecond);
BENCHMARK(StateApply)
    ->Iterations(4000)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(LogThenApply)
    ->Iterations(4000)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kith::storage

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::warn);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
