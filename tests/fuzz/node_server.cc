#include "tests/fuzz/node_server.h"

#include <cmath>
#include <cstring>
#include <future>
#include <thread>
#include <utility>

#include "common/base/limits.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

constexpr uint64_t kPoints = 400;

Deadline Soon() { return DeadlineIn(std::chrono::seconds(30)); }

WriteCall Points() {
  WriteCall call;
  call.shard = NodeServer::Spec().shard;
  call.incarnation = NodeServer::Spec().incarnation;
  for (uint64_t id = 0; id < kPoints; ++id) {
    const auto x = static_cast<float>(id);
    const float vector[2] = {std::cos(0.1f * x) * x, std::sin(0.1f * x) * x};
    const std::string payload =
        id % 3 == 0 ? "" : R"({"tags": ["red"], "year": )" + std::to_string(id) + "}";
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += PointKey::FromNumber(id).view();
    call.vectors.append(reinterpret_cast<const char*>(vector), sizeof(vector));
    call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    call.payloads += payload;
  }
  return call;
}

}  // namespace

ShardSpec NodeServer::Spec() {
  ShardSpec spec;
  spec.shard = 7;
  spec.collection = "c";
  spec.incarnation = Uuid{{9}};
  spec.dimension = 2;
  spec.metric = Metric::kL2;
  spec.element_type = ElementType::kF32;
  spec.slots = {{0, limits::kSlots}};
  spec.payload_fields = {{"tags", FieldType::kKeyword},
                         {"year", FieldType::kInteger},
                         {"price", FieldType::kDouble},
                         {"new", FieldType::kBoolean}};
  return spec;
}

NodeServer::NodeServer() {
  shard::NodeOptions options;
  options.directory = directory_.path();
  options.files = files_.get();
  options.clock = &clock_;
  options.search_threads = 1;
  options.encode_threads = 1;
  options.write_buffer_bytes = 4 << 20;
  options.block_cache_bytes = 8 << 20;
  options.admission.disk_reserve_bytes = 1 << 20;
  auto node = shard::Node::Open(options);
  Require(node.ok(), "the node opens");
  node_ = *std::move(node);
  EnsureShard();
  auto server = shard::ShardNodeServer::Start(*node_, {"127.0.0.1:0", 2});
  Require(server.ok(), "the node listens");
  server_ = *std::move(server);
}

void NodeServer::EnsureShard() {
  const auto stat = node_->Stat(Spec().shard, Soon());
  if (stat.ok() && stat->incarnation == Spec().incarnation) return;
  Require(node_->CreateShard(Spec(), Soon()).ok(), "the shard is made");
  Fill();
  if (version_.empty()) Train();
  Require(node_->BuildIndex(Spec().shard, version_, Soon()).ok(), "the index is built");
}

void NodeServer::DropShard(ShardId shard, const Uuid& incarnation) {
  Require(node_->DropShard(shard, incarnation, Soon()).ok(), "the shard is dropped");
}

void NodeServer::Fill() {
  std::promise<absl::Status> written;
  node_->Write(Points(), Soon(), [&](auto reply) { written.set_value(reply.status()); });
  Require(written.get_future().get().ok(), "the points are written");
}

void NodeServer::Train() {
  const ShardSpec spec = Spec();
  Require(node_->SampleHashes({spec.shard, 1, kPoints}, Soon()).ok(), "a sample is drawn");
  auto sample = node_->ReadSample({spec.shard, 1, 0, 0, 1 << 20}, Soon());
  Require(sample.ok(), "the sample is read");
  TrainingChunk chunk{"job", spec.dimension, spec.element_type, *std::move(sample)};
  StartTrainingCall start{"job", spec.dimension, spec.metric, spec.element_type, 4, 1, 1};
  Require(node_->AddTrainingChunk(std::move(chunk), Soon()).ok() &&
              node_->StartTraining(start, Soon()).ok(),
          "training begins");
  absl::StatusOr<TrainingState> state = TrainingState();
  while (state.ok() && !state->done) {
    state = node_->GetTraining("job", Soon());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  Require(state.ok() && state->error.ok(), "training ends well");
  version_ = state->artifact;
  (void)node_->CancelTraining("job", Soon());
}

}  // namespace kith::fuzz
