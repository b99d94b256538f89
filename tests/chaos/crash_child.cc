#include "tests/chaos/crash_child.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "shard/node.h"
#include "tests/chaos/crash_workload.h"
#include "tests/support/powercut_file_system.h"

namespace kith::test {
namespace {

constexpr int kInFlight = 8;
constexpr uint32_t kTrainAtPoints = 800;

Deadline Soon() { return DeadlineIn(std::chrono::seconds(30)); }

// One write call per line: what reached the pipe survives the process.
void Say(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(2);
}

class Child {
 public:
  explicit Child(shard::Node& node) : node_(node) {}

  bool Report() {
    const auto verified = node_.Verify(kShard, Soon());
    if (!verified.ok()) {
      Say("REFUSED " + verified.status().ToString());
      return false;
    }
    Say(fmt::format("STATE {} {} {}", verified->applied_lsn, verified->truth_mismatches,
                    verified->index_mismatches));
    next_ = verified->applied_lsn + 1;
    ReportPoints();
    ResendTheLast(verified->applied_lsn);
    if (const uint64_t repairs = node_.health().digest_repairs; repairs != 0) {
      Say(fmt::format("WRONG {} rows or indexes were whole but not the truth", repairs));
    }
    Say("READY");
    return true;
  }

  void Train() {
    const auto stat = node_.Stat(kShard, Soon());
    if (!stat.ok() || !stat->indexes.empty() || stat->live_points < kTrainAtPoints) return;
    const auto hashes = node_.SampleHashes({kShard, 1, 600}, Soon());
    auto sample = node_.ReadSample({kShard, 1, 0, 0, 1 << 20}, Soon());
    if (!hashes.ok() || !sample.ok()) return;
    (void)node_.AddTrainingChunk({"job", kDimension, ElementType::kF32, *std::move(sample)},
                                 Soon());
    StartTrainingCall start{"job", kDimension, Metric::kL2, ElementType::kF32, 16, 4, 1};
    (void)node_.StartTraining(start, Soon());
    auto state = node_.GetTraining("job", Soon());
    while (state.ok() && !state->done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      state = node_.GetTraining("job", Soon());
    }
    if (state.ok() && state->error.ok()) (void)node_.BuildIndex(kShard, state->artifact, Soon());
  }

  void WriteUntilKilled() {
    while (!stopped_) {
      {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return in_flight_ < kInFlight || stopped_; });
        ++in_flight_;
      }
      const uint64_t request = next_++;
      node_.Write(CallOf(request), Soon(), [this, request](absl::StatusOr<WriteReply> reply) {
        Acknowledged(request, std::move(reply));
      });
    }
  }

 private:
  // Whoever did not see his answer asks again: those under way and the last one that was answered.
  // Each gets the lsn it had, and nothing is written.
  void ResendTheLast(uint64_t lsn) {
    for (uint64_t request = lsn - std::min<uint64_t>(lsn, kInFlight + 1) + 1; request <= lsn;
         ++request) {
      std::promise<absl::StatusOr<WriteReply>> promise;
      node_.Write(CallOf(request), Soon(),
                  [&](auto reply) { promise.set_value(std::move(reply)); });
      const absl::StatusOr<WriteReply> reply = promise.get_future().get();
      if (!reply.ok()) {
        Say("WRONG repeated request: " + reply.status().ToString());
      } else if (reply->lsn != request) {
        Say(fmt::format("WRONG request {} was written again as {}", request, reply->lsn));
      }
    }
    const absl::StatusOr<ShardStat> stat = node_.Stat(kShard, Soon());
    if (!stat.ok() || stat->applied_lsn != lsn) Say("WRONG repeated requests were written");
  }

  void ReportPoints() {
    GetCall call;
    call.shard = kShard;
    call.incarnation = CrashSpec().incarnation;
    call.with_vector = true;
    call.with_payload = true;
    for (uint64_t id = 0; id < kIds; ++id) call.keys.append(PointKey::FromNumber(id).view());
    std::promise<absl::StatusOr<GetReply>> promise;
    node_.Get(call, Soon(), [&](auto reply) { promise.set_value(std::move(reply)); });
    const absl::StatusOr<GetReply> reply = promise.get_future().get();
    if (!reply.ok()) return Say("WRONG get: " + reply.status().ToString());
    std::set<uint64_t> stored;
    size_t at = 0;
    for (uint64_t id = 0; id < kIds; ++id) {
      if (reply->found[id] == 0) continue;
      uint64_t request;
      std::memcpy(&request, reply->payloads.data() + at * sizeof(request), sizeof(request));
      const auto vector = VectorOf(id, request);
      const size_t bytes = kDimension * sizeof(float);
      if (std::memcmp(vector.data(), reply->vectors.data() + at * bytes, bytes) != 0) {
        Say(fmt::format("WRONG vector of point {}", id));
      }
      Say(fmt::format("POINT {} {}", id, request));
      stored.insert(id);
      ++at;
    }
    ExpectSearchFinds(stored, "");
    const absl::StatusOr<ShardStat> stat = node_.Stat(kShard, Soon());
    if (!stat.ok()) return Say("WRONG stat: " + stat.status().ToString());
    for (const IndexState& index : stat->indexes) {
      if (index.ready) ExpectSearchFinds(stored, index.version);
    }
  }

  // A search for everything, once through the rows and once through the lists.
  void ExpectSearchFinds(const std::set<uint64_t>& stored, const std::string& version) {
    SearchCall call;
    call.shard = kShard;
    call.incarnation = CrashSpec().incarnation;
    call.index_version = version;
    call.count = 1;
    call.queries.assign(kDimension * sizeof(float), '\0');
    call.limit = 10'000;
    call.nprobe = 1000;
    call.refine = call.rerank = ~0u;
    std::promise<absl::StatusOr<SearchReply>> promise;
    node_.Search(call, Soon(), [&](auto reply) { promise.set_value(std::move(reply)); });
    const absl::StatusOr<SearchReply> reply = promise.get_future().get();
    if (!reply.ok()) return Say("WRONG search: " + reply.status().ToString());
    std::set<uint64_t> found;
    for (size_t at = 0; at < reply->keys.size(); at += PointKey::kSize) {
      found.insert(PointKey::FromBytes(reply->keys.data() + at).number());
    }
    if (found != stored || found.size() != reply->scores.size()) {
      Say(fmt::format("WRONG search finds {} points, {} are stored", reply->scores.size(),
                      stored.size()));
    }
  }

  void SayUpkeep() {
    const shard::UpkeepFigures upkeep = node_.health().upkeep;
    Say(fmt::format("UPKEEP {} {} {}", upkeep.moved_rows, upkeep.reclaimed_bytes, upkeep.merges));
  }

  void Acknowledged(uint64_t request, absl::StatusOr<WriteReply> reply) {
    if (reply.ok() && reply->lsn == request) {
      Say(fmt::format("ACK {}", request));
      if (request % 16 == 0) SayUpkeep();
    } else {
      Say("STOPPED " + reply.status().ToString());
      stopped_ = true;
    }
    std::lock_guard lock(mutex_);
    --in_flight_;
    ended_.notify_one();
  }

  shard::Node& node_;
  uint64_t next_ = 1;
  std::mutex mutex_;
  std::condition_variable ended_;
  int in_flight_ = 0;
  std::atomic<bool> stopped_{false};
};

}  // namespace

int RunChild(const ChildOptions& options) {
  spdlog::set_level(spdlog::level::off);
  SystemClock clock;
  std::unique_ptr<storage::FileSystem> real = storage::NewPosixFileSystem();
  std::unique_ptr<PowerCut> power;
  if (options.cut_after_operations != 0 || !options.journal.empty()) {
    PowerCutOptions cut;
    cut.root = options.directory;
    cut.seed = options.seed;
    cut.cut_after_operations = options.cut_after_operations;
    cut.at_cut = PowerCutOptions::AtCut::kExit;
    cut.journal = options.journal;
    // As on a slow disk: most kills come between a write and its sync.
    if (!options.journal.empty()) cut.sync_time = std::chrono::microseconds(2000);
    power = std::make_unique<PowerCut>(cut);
  }
  shard::NodeOptions node_options;
  node_options.directory = options.directory;
  node_options.files = power != nullptr ? &power->files() : real.get();
  node_options.clock = &clock;
  node_options.faults = options.faults;
  node_options.search_threads = 1;
  node_options.encode_threads = 1;
  node_options.write_buffer_bytes = 4 << 20;       // 1 MiB a family: flushed by checkpoints, mostly
  node_options.log_write_buffer_bytes = 96 << 10;  // so that the log is really cut
  node_options.block_cache_bytes = 4 << 20;
  node_options.admission.disk_reserve_bytes = 1 << 20;
  node_options.checkpoint_log_bytes = 192 << 10;  // many checkpoints a second
  node_options.row_extent_bits = 7;  // so that rows are moved and extents dropped all the time ...
  node_options.tick_every = std::chrono::milliseconds(5);  // ... also in a short life
  if (!options.journal.empty()) {
    // Few flushes: each makes durable what the kill before it left to the page cache.
    node_options.log_write_buffer_bytes = node_options.write_buffer_bytes = 16 << 20;
    node_options.checkpoint_log_bytes = 4 << 20;
  }
  auto node = shard::Node::Open(node_options);
  if (!node.ok()) {
    Say("REFUSED " + node.status().ToString());
    return 3;
  }
  if (const absl::Status created = (*node)->CreateShard(CrashSpec(), Soon()); !created.ok()) {
    Say("REFUSED " + created.ToString());
    return 3;
  }
  Child child(**node);
  if (!child.Report()) return 3;
  if (!options.write) return 0;
  child.Train();
  child.WriteUntilKilled();
  _exit(4);
}

}  // namespace kith::test
