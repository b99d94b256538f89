#ifndef KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_
#define KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "shard/node.h"

namespace kith::shard {

// A node over a temporary directory that can be closed (cleanly or not) and opened again, with
// blocking calls.
class NodeFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kith-node-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    files_ = storage::NewPosixFileSystem();
    ASSERT_TRUE(Start().ok());
  }

  void TearDown() override {
    node_.reset();
    std::filesystem::remove_all(directory_);
  }

  absl::Status Start() {
    node_.reset();
    NodeOptions options;
    options.directory = directory_;
    options.files = files_.get();
    options.clock = &clock_;
    options.faults = faults_;
    options.search_threads = 2;
    options.write_buffer_bytes = 4 << 20;
    options.log_write_buffer_bytes = log_write_buffer_bytes_;
    options.block_cache_bytes = 8 << 20;
    options.admission = admission_;
    auto node = Node::Open(options);
    if (!node.ok()) return node.status();
    node_ = *std::move(node);
    return absl::OkStatus();
  }

  static ShardSpec Spec(uint32_t dimension, Metric metric = Metric::kL2,
                        ElementType type = ElementType::kF32) {
    ShardSpec spec;
    spec.shard = 7;
    spec.collection = "c";
    spec.incarnation.bytes[0] = 9;
    spec.dimension = dimension;
    spec.metric = metric;
    spec.element_type = type;
    spec.slots = {{0, limits::kSlots}};
    return spec;
  }

  static Deadline Soon() { return DeadlineIn(std::chrono::seconds(30)); }

  absl::StatusOr<WriteReply> Write(WriteCall call) {
    call.shard = 7;
    call.incarnation = Spec(1).incarnation;
    std::promise<absl::StatusOr<WriteReply>> promise;
    node_->Write(std::move(call), Soon(),
                 [&](absl::StatusOr<WriteReply> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }

  absl::StatusOr<SearchReply> Search(SearchCall call) {
    call.shard = 7;
    call.incarnation = Spec(1).incarnation;
    std::promise<absl::StatusOr<SearchReply>> promise;
    node_->Search(std::move(call), Soon(),
                  [&](absl::StatusOr<SearchReply> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }

  absl::StatusOr<GetReply> Get(const std::string& keys) {
    GetCall call;
    call.shard = 7;
    call.incarnation = Spec(1).incarnation;
    call.keys = keys;
    call.with_vector = true;
    call.with_payload = true;
    std::promise<absl::StatusOr<GetReply>> promise;
    node_->Get(std::move(call), Soon(),
               [&](absl::StatusOr<GetReply> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }

  static std::string Key(uint64_t number) {
    return std::string(PointKey::FromNumber(number).view());
  }
  static std::string Bytes(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  static WriteCall Put(uint64_t id, const std::vector<float>& vector,
                       const std::string& payload = "") {
    WriteCall call;
    call.kinds = {WriteKind::kUpsert};
    call.keys = Key(id);
    call.vectors = Bytes(vector);
    call.payload_sizes = {static_cast<uint32_t>(payload.size())};
    call.payloads = payload;
    return call;
  }
  static WriteCall Remove(uint64_t id) {
    WriteCall call;
    call.kinds = {WriteKind::kDelete};
    call.keys = Key(id);
    return call;
  }
  static SearchCall Query(const std::vector<float>& vector, uint32_t limit = 10) {
    SearchCall call;
    call.count = 1;
    call.queries = Bytes(vector);
    call.limit = limit;
    return call;
  }
  static std::vector<uint64_t> Numbers(const SearchReply& reply) {
    std::vector<uint64_t> numbers;
    for (size_t at = 0; at < reply.keys.size(); at += PointKey::kSize) {
      numbers.push_back(PointKey::FromBytes(reply.keys.data() + at).number());
    }
    return numbers;
  }

  void ExpectVerified(uint64_t live_points) {
    const auto verified = node_->Verify(7, Soon());
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(verified->truth_mismatches, 0u);
    EXPECT_EQ(verified->index_mismatches, 0u);
    EXPECT_EQ(verified->live_points, live_points);
  }

  std::string directory_;
  std::unique_ptr<storage::FileSystem> files_;
  SystemClock clock_;
  storage::Faults faults_;
  AdmissionLimits admission_{.disk_reserve_bytes = 1 << 20};
  uint64_t log_write_buffer_bytes_ = 8 << 20;
  std::unique_ptr<Node> node_;
};

}  // namespace kith::shard

#endif  // KITH_TESTS_UNIT_SHARD_NODE_FIXTURE_H_
