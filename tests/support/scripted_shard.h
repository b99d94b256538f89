#ifndef KITH_TESTS_SUPPORT_SCRIPTED_SHARD_H_
#define KITH_TESTS_SUPPORT_SCRIPTED_SHARD_H_

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/limits.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"

namespace kith::testing {

// A shard node whose every answer the test writes. Administrative calls other than Stat fail.
class ScriptedShard final : public ShardService {
 public:
  std::function<void(SearchCall, Deadline, Done<SearchReply>)> on_search;
  std::function<void(WriteCall, Deadline, Done<WriteReply>)> on_write;
  std::function<void(GetCall, Deadline, Done<GetReply>)> on_get;
  std::function<void(ScrollCall, Deadline, Done<ScrollReply>)> on_scroll;
  std::function<void(FacetCall, Deadline, Done<FacetReply>)> on_facet;
  std::function<absl::StatusOr<ShardStat>(ShardId)> on_stat;

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done) override {
    on_search(std::move(call), deadline, std::move(done));
  }
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done) override {
    on_write(std::move(call), deadline, std::move(done));
  }
  void Get(GetCall call, Deadline deadline, Done<GetReply> done) override {
    on_get(std::move(call), deadline, std::move(done));
  }
  void Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) override {
    on_scroll(std::move(call), deadline, std::move(done));
  }
  void Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) override {
    on_facet(std::move(call), deadline, std::move(done));
  }
  absl::StatusOr<ShardStat> Stat(ShardId shard, Deadline) override { return on_stat(shard); }

  absl::Status CreateShard(const ShardSpec&, Deadline) override { return No(); }
  absl::Status DropShard(ShardId, const Uuid&, Deadline) override { return No(); }
  absl::StatusOr<std::vector<uint64_t>> SampleHashes(const SampleHashesCall&, Deadline) override {
    return No();
  }
  absl::StatusOr<SampleChunk> ReadSample(const SampleChunkCall&, Deadline) override { return No(); }
  absl::Status AddTrainingChunk(TrainingChunk, Deadline) override { return No(); }
  absl::Status StartTraining(const StartTrainingCall&, Deadline) override { return No(); }
  absl::StatusOr<TrainingState> GetTraining(const std::string&, Deadline) override { return No(); }
  absl::Status CancelTraining(const std::string&, Deadline) override { return No(); }
  absl::StatusOr<ArtifactChunk> ReadArtifact(const std::string&, uint64_t, Deadline) override {
    return No();
  }
  absl::Status WriteArtifact(const ArtifactChunk&, Deadline) override { return No(); }
  absl::Status BuildIndex(ShardId, const std::string&, Deadline) override { return No(); }
  absl::Status DropIndex(ShardId, const std::string&, Deadline) override { return No(); }
  absl::Status SetPayloadFields(const SetFieldsCall&, Deadline) override { return No(); }
  absl::StatusOr<VerifyReply> Verify(ShardId, Deadline) override { return No(); }

 private:
  static absl::Status No() { return absl::UnimplementedError("not in this test"); }
};

// A map with one collection "c" over `count` scripted shards, ids 1 to count, slots dealt evenly.
class ScriptedCluster {
 public:
  explicit ScriptedCluster(size_t count) {
    record.name = "c";
    record.incarnation = Uuid{{1, 2, 3}};
    record.state = CollectionRecord::State::kActive;
    record.dimension = 2;
    for (size_t i = 0; i < count; ++i) {
      shards.push_back(std::make_unique<ScriptedShard>());
      const std::string node = fmt::format("n{}", i);
      services_[node] = shards.back().get();
      const auto begin = static_cast<uint32_t>(limits::kSlots * i / count);
      const auto end = static_cast<uint32_t>(limits::kSlots * (i + 1) / count);
      record.shards.push_back({i + 1, node, {{begin, end}}});
    }
    Publish();
  }

  // Makes the map follow `record`.
  void Publish() { map.Put(record, services_); }
  std::shared_ptr<const coordinator::CollectionEntry> entry() const { return *map.Find("c"); }

  CollectionRecord record;
  coordinator::ClusterMap map;
  std::vector<std::unique_ptr<ScriptedShard>> shards;

 private:
  std::map<std::string, ShardService*> services_;
};

// A reply with one query's hits: (id, score) in order.
inline SearchReply HitsOf(const std::vector<std::pair<uint64_t, float>>& hits,
                          uint64_t live_points) {
  SearchReply reply;
  reply.counts = {static_cast<uint32_t>(hits.size())};
  for (const auto& [number, score] : hits) {
    reply.keys.append(PointKey::FromNumber(number).view());
    reply.scores.push_back(score);
    reply.versions.push_back(1);
  }
  reply.live_points = live_points;
  reply.codes_planned = reply.codes_done = live_points;
  return reply;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_SCRIPTED_SHARD_H_
