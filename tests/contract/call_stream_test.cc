// What the server's end of a stream of calls holds and refuses.
#include "shard/rpc/call_stream.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "common/vector/point_key.h"
#include "kith/v1/shard.grpc.pb.h"
#include "shard/rpc/shard_node_server.h"
#include "tests/contract/held_calls.h"

namespace kith::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One raw stream to a server over a node that keeps its calls.
class CallStreamTest : public ::testing::Test {
 protected:
  void Serve(const shard::ShardNodeServerOptions& options) {
    server_ = std::move(shard::ShardNodeServer::Start(node_, options)).value();
    channel_ = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = v1::ShardNode::NewStub(channel_);
    stream_ = stub_->Calls(&context_);
  }
  // A server ends when its calls have.
  void TearDown() override {
    node_.Release();
    if (stream_ == nullptr) return;
    context_.TryCancel();
    stream_->Finish();
  }

  void Send(uint64_t first, uint64_t count, size_t vector_bytes = 16) {
    v1::ShardCallFrame frame;
    for (uint64_t call = first; call < first + count; ++call) {
      v1::ShardCall* to = frame.add_calls();
      to->set_call(call);
      to->set_timeout_us(30'000'000);
      v1::ShardSearchCall* search = to->mutable_search();
      search->set_shard(1);
      search->set_incarnation(std::string(16, '\0'));
      search->set_count(1);
      search->set_limit(1);
      search->set_queries(std::string(vector_bytes, '\0'));
    }
    ASSERT_TRUE(stream_->Write(frame));
  }
  size_t ReadReplies(size_t count) {
    size_t replies = 0;
    v1::ShardReplyFrame frame;
    while (replies < count && stream_->Read(&frame)) replies += frame.replies_size();
    return replies;
  }
  // Calls that the node has once no more come.
  size_t HeldInTheEnd() {
    size_t before = node_.held();
    for (int unchanged = 0; unchanged < 10; ++unchanged) {
      std::this_thread::sleep_for(milliseconds(20));
      const size_t now = node_.held();
      if (now != before) unchanged = 0;
      before = now;
    }
    return before;
  }

  HeldCalls node_;
  std::unique_ptr<shard::ShardNodeServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ShardNode::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ShardCallFrame, v1::ShardReplyFrame>> stream_;
};

TEST_F(CallStreamTest, WithAllTheCallsItMayHoldTheStreamIsNotReadFurther) {
  Serve({.address = "127.0.0.1:0", .held_calls_max = 4});
  for (uint64_t call = 1; call <= 10; ++call) Send(call, 1);
  node_.WaitForCalls(4);
  EXPECT_EQ(HeldInTheEnd(), 4u);
  node_.Release();
  EXPECT_EQ(ReadReplies(10), 10u);
}

TEST_F(CallStreamTest, WithAllTheBytesItMayHoldTheStreamIsNotReadFurther) {
  constexpr size_t kBytes = 100'000;
  Serve({.address = "127.0.0.1:0", .held_bytes_max = 3 * kBytes});
  std::thread sender([&] {
    for (uint64_t call = 1; call <= 10; ++call) Send(call, 1, kBytes);
  });
  node_.WaitForCalls(3);
  EXPECT_EQ(HeldInTheEnd(), 3u);
  node_.Release();
  EXPECT_EQ(ReadReplies(10), 10u);
  sender.join();
}

TEST_F(CallStreamTest, AFrameOfAsManyCallsAsAFrameMayHaveIsTaken) {
  Serve({.address = "127.0.0.1:0"});
  node_.Release();
  Send(1, rpc::kFrameMessagesMax);
  EXPECT_EQ(ReadReplies(rpc::kFrameMessagesMax), rpc::kFrameMessagesMax);
}

TEST_F(CallStreamTest, AFrameOfTooManyCallsEndsTheStream) {
  Serve({.address = "127.0.0.1:0"});
  Send(1, rpc::kFrameMessagesMax + 1);
  EXPECT_EQ(ReadReplies(1), 0u);
  const absl::Status status = rpc::StatusFromGrpc(stream_->Finish());
  stream_.reset();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ReasonOf(status), reason::kBatchTooLarge);
  EXPECT_EQ(node_.held(), 0u);
}

TEST(FrameQueue, AFrameHoldsNoMoreMessagesThanAReceiverTakes) {
  rpc::FrameQueue<int> queue;
  for (int i = 0; i < 2500; ++i) queue.Push(int{i}, 1);
  std::vector<size_t> frames;
  while (!queue.empty()) {
    size_t taken = 0;
    queue.FillFrame([&](int&&) {
      ++taken;
      return true;
    });
    frames.push_back(taken);
  }
  EXPECT_EQ(frames, (std::vector<size_t>{1024, 1024, 452}));
}

// A drain that comes while answers come: each stream ends, whoever looks at it first.
TEST(CallStreamEnd, StreamsMayBeDrainedWhileTheirCallsAreAnswered) {
  for (int round = 0; round < 60; ++round) {
    HeldCalls node;
    const shard::ShardNodeServerOptions options{.address = "127.0.0.1:0"};
    auto server = std::move(shard::ShardNodeServer::Start(node, options)).value();
    const auto channel = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server->port()),
                                             grpc::InsecureChannelCredentials());
    const auto stub = v1::ShardNode::NewStub(channel);
    grpc::ClientContext context;
    const auto stream = stub->Calls(&context);
    v1::ShardCallFrame frame;
    for (uint64_t call = 1; call <= 8; ++call) {
      v1::ShardCall* to = frame.add_calls();
      to->set_call(call);
      v1::ShardSearchCall* search = to->mutable_search();
      search->set_shard(1);
      search->set_incarnation(std::string(16, '\0'));
      search->set_count(1);
      search->set_limit(1);
      search->set_queries(std::string(16, '\0'));
    }
    ASSERT_TRUE(stream->Write(frame));
    node.WaitForCalls(8);
    std::thread answers([&] { node.Release(); });
    std::thread drain([&] { server->Shutdown(DeadlineIn(seconds(10))); });
    v1::ShardReplyFrame replies;
    size_t count = 0;
    while (stream->Read(&replies)) count += static_cast<size_t>(replies.replies_size());
    EXPECT_EQ(count, 8u);
    stream->Finish();
    answers.join();
    drain.join();
  }
}

}  // namespace
}  // namespace kith::testing
