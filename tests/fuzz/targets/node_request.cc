// What a shard node is asked by coordinators, over a socket: the unary calls, and frames on the
// stream of calls. Bit 7 of the first byte: a frame; else the byte names the method. The second
// byte: 1, the call is for the shard that is there; 2, of the index that it has.
#include <xxhash.h>

#include <memory>
#include <optional>

#include "kith/v1/shard.grpc.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/node_server.h"
#include "tests/fuzz/rpc_caller.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

constexpr int kInputsOfAShard = 2000;
constexpr uint8_t kFrame = 128;
constexpr uint8_t kOurShard = 1;
constexpr uint8_t kOurIndex = 2;
// A call may wait for a write that never comes.
constexpr uint64_t kTimeoutUs = 30'000;

bool IsBug(int code) {
  return code == grpc::INTERNAL || code == grpc::UNKNOWN || code == grpc::DATA_LOSS;
}

class NodeApi {
 public:
  const RpcCaller& caller() const { return caller_; }

  void Take(FuzzInput input) {
    if (++inputs_ % kInputsOfAShard == 0) {
      server_.DropShard(NodeServer::Spec().shard, NodeServer::Spec().incarnation);
    }
    server_.EnsureShard();
    const uint8_t first = input.Byte();
    const uint8_t fixes = input.Byte();
    const std::string rest(input.Rest());
    if ((first & kFrame) != 0) return TakeFrame(rest, fixes);
    const Method& method = caller_.MethodOf(first);
    const auto message = ParseRequest(method, rest);
    // What a shard is made of stays as it is: it would be ours, or nobody's.
    if (message != nullptr && method.name() != "CreateShard") Fix(*message, fixes);
    const grpc::Status status =
        caller_.Call(method, message != nullptr ? message->SerializeAsString() : rest);
    if (message != nullptr) Check(status.error_code(), status.error_message());
    if (status.ok() && method.name() == "CreateShard") DropOther(rest);
  }

 private:
  void Fix(google::protobuf::Message& message, uint8_t fixes) const {
    if ((fixes & kOurShard) != 0) {
      SetNumber(message, "shard", NodeServer::Spec().shard);
      SetText(message, "incarnation", std::string(NodeServer::Spec().incarnation.view()));
    }
    if ((fixes & kOurIndex) == 0) return;
    SetText(message, "index_version", server_.version());
    SetText(message, "version", server_.version());
  }

  // Each has databases of its own: they must not add up.
  void DropOther(const std::string& bytes) {
    v1::ShardSpec spec;
    if (!spec.ParseFromString(bytes) || spec.shard() == NodeServer::Spec().shard) return;
    Uuid incarnation;
    std::copy_n(spec.incarnation().begin(), incarnation.bytes.size(), incarnation.bytes.begin());
    server_.DropShard(spec.shard(), incarnation);
  }

  void TakeFrame(const std::string& bytes, uint8_t fixes) {
    v1::ShardCallFrame frame;
    if (!frame.ParseFromString(bytes)) return;
    for (v1::ShardCall& call : *frame.mutable_calls()) {
      call.set_timeout_us(kTimeoutUs);
      if (call.has_search()) Fix(*call.mutable_search(), fixes);
      if (call.has_write()) Fix(*call.mutable_write(), fixes);
      if (call.has_get()) Fix(*call.mutable_get(), fixes);
      if (call.has_scroll()) Fix(*call.mutable_scroll(), fixes);
      if (call.has_facet()) Fix(*call.mutable_facet(), fixes);
    }
    grpc::ClientContext context;
    const auto stream = stub_->Calls(&context);
    (void)stream->Write(frame);
    (void)stream->WritesDone();
    v1::ShardReplyFrame replies;
    while (stream->Read(&replies)) {
      for (const v1::ShardReply& reply : replies.replies()) {
        Check(reply.status().code(), reply.status().message());
      }
    }
    const grpc::Status status = stream->Finish();
    Check(status.error_code(), status.error_message());
  }

  static void Check(int code, const std::string& message) {
    if (IsBug(code)) std::fprintf(stderr, "%s\n", message.c_str());
    Require(!IsBug(code), "no call brings an error of the node's own");
  }

  NodeServer server_;
  std::shared_ptr<grpc::Channel> channel_ = grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(server_.port()), grpc::InsecureChannelCredentials());
  RpcCaller caller_{channel_, {v1::ShardSpec::descriptor()->file()}};
  std::unique_ptr<v1::ShardNode::Stub> stub_ = v1::ShardNode::NewStub(channel_);
  int inputs_ = 0;
};

NodeApi& Api() {
  static NodeApi api;
  return api;
}

// Of a payload that is named, of those that a filter picks, and what there is to see of them.
void AddChanges(const v1::Filter& filter, v1::ShardCallFrame& frame) {
  v1::ShardWriteCall* const named = frame.add_calls()->mutable_write();
  named->set_kinds("\5");
  named->set_keys(std::string(PointKey::FromNumber(5).view()));
  named->set_change(R"({"year": 200})");
  v1::ShardWriteCall* const selected = frame.add_calls()->mutable_write();
  selected->set_request_id("0123456789abcdef");
  selected->set_body_hash("fedcba9876543210");
  selected->set_kinds("\5");
  selected->set_change(R"({"new": true})");
  *selected->mutable_selection()->mutable_filter() = filter;
  selected->mutable_selection()->set_limit(3);
  v1::ShardFacetCall* const facet = frame.add_calls()->mutable_facet();
  facet->set_field("year");
  *facet->mutable_filter() = filter;
}

v1::ShardCallFrame SomeCalls() {
  const float query[2] = {3, 4};
  const std::string key(PointKey::FromNumber(5).view());
  v1::ShardCallFrame frame;
  v1::ShardSearchCall* const search = frame.add_calls()->mutable_search();
  search->set_count(1);
  search->set_queries(std::string(reinterpret_cast<const char*>(query), sizeof(query)));
  search->set_limit(5);
  search->set_nprobe(2);
  search->set_refine(20);
  search->set_rerank(10);
  search->set_widens(true);
  v1::RangeCondition* const range = search->mutable_filter()->mutable_range();
  range->set_field("year");
  range->mutable_gte()->set_integer(100);
  v1::ShardWriteCall* const write = frame.add_calls()->mutable_write();
  write->set_kinds("\1\4");
  write->set_keys(key + std::string(PointKey::FromNumber(900).view()));
  write->set_vectors(search->queries());
  write->add_payload_sizes(2);
  write->set_payloads("{}");
  v1::ShardGetCall* const get = frame.add_calls()->mutable_get();
  get->set_keys(key);
  get->set_with_vector(true);
  get->set_with_payload(true);
  v1::ShardScrollCall* const scroll = frame.add_calls()->mutable_scroll();
  scroll->set_slot_end(4096);
  scroll->set_limit(4);
  scroll->set_bytes_limit(1000);
  scroll->set_with_payload(true);
  *scroll->mutable_filter() = search->filter();
  AddChanges(search->filter(), frame);
  for (int i = 0; i < frame.calls_size(); ++i) frame.mutable_calls(i)->set_call(i + 1);
  return frame;
}

std::vector<std::string> FrameSeeds() {
  const v1::ShardCallFrame all = SomeCalls();
  std::vector<std::string> seeds;
  const auto add = [&](char fixes, const v1::ShardCallFrame& frame) {
    seeds.push_back(std::string{static_cast<char>(kFrame), fixes} + frame.SerializeAsString());
  };
  add(kOurShard, all);
  add(kOurShard | kOurIndex, all);
  for (const v1::ShardCall& call : all.calls()) {
    v1::ShardCallFrame one;
    *one.add_calls() = call;
    add(kOurShard | kOurIndex, one);
  }
  return seeds;
}

v1::ShardSpec OneShard() {
  v1::ShardSpec spec;
  spec.set_shard(8);
  spec.set_collection("d");
  spec.set_incarnation("0123456789abcdef");
  spec.set_dimension(3);
  spec.set_metric(v1::METRIC_COSINE);
  spec.set_element_type(v1::ELEMENT_TYPE_U8);
  spec.add_slot_begins(0);
  spec.add_slot_ends(4096);
  return spec;
}

v1::ShardTrainingChunk OneChunk() {
  v1::ShardTrainingChunk chunk;
  chunk.set_job("j");
  chunk.set_dimension(2);
  chunk.set_element_type(v1::ELEMENT_TYPE_U8);
  chunk.add_hashes(1);
  chunk.set_keys(std::string(PointKey::FromNumber(5).view()));
  chunk.set_vectors("ab");
  return chunk;
}

}  // namespace

std::vector<std::string> Seeds() {
  const RpcCaller& caller = Api().caller();
  std::vector<std::string> seeds = FrameSeeds();
  const auto add = [&](const char* method, const google::protobuf::Message& request) {
    const uint8_t number = caller.NumberOf(method);
    Require((number & kFrame) == 0, "a unary method has a number of its own");
    seeds.push_back(std::string{static_cast<char>(number), kOurShard | kOurIndex} +
                    request.SerializeAsString());
  };
  v1::ShardSampleHashesCall hashes;
  hashes.set_count(10);
  v1::ShardSampleChunkCall sample;
  sample.set_bytes_limit(1000);
  v1::ShardStartTrainingCall start;
  start.set_job("j");
  start.set_dimension(2);
  start.set_metric(v1::METRIC_L2);
  start.set_element_type(v1::ELEMENT_TYPE_U8);
  start.set_lists(1);
  start.set_subspaces(1);
  v1::ShardArtifactChunk artifact;
  artifact.set_artifact("0123456789abcdef0123456789abcdef");
  artifact.set_total_bytes(4);
  artifact.set_data("ab");
  artifact.set_checksum(XXH3_64bits("ab", 2));
  v1::ShardReadArtifactCall read;
  read.set_artifact(artifact.artifact());
  add("Stat", v1::ShardTarget());
  add("Verify", v1::ShardTarget());
  add("CreateShard", OneShard());
  add("SampleHashes", hashes);
  add("SampleChunk", sample);
  add("AddTrainingChunk", OneChunk());
  add("StartTraining", start);
  add("WriteArtifact", artifact);
  add("ReadArtifact", read);
  add("BuildIndex", v1::ShardIndexTarget());
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::fuzz::QuietLog();
  kith::fuzz::Api().Take({data, size});
  return 0;
}
