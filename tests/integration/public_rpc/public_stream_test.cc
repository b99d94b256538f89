#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using Stream = grpc::ClientReaderWriter<v1::StreamUpsertRequest, v1::StreamUpsertResponse>;

class PublicStream : public PublicRpc {
 protected:
  void Open() {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = server_.points->StreamUpsert(&context_);
  }
  v1::StreamUpsertRequest Message(uint64_t sequence, uint64_t first, uint64_t count) {
    v1::StreamUpsertRequest message;
    message.set_sequence(sequence);
    *message.mutable_upsert() = Line(count);
    for (uint64_t i = 0; i < count; ++i) {
      message.mutable_upsert()->mutable_columns()->set_numbers(static_cast<int>(i), first + i);
    }
    return message;
  }
  uint64_t CountAll() {
    v1::CountPointsRequest count;
    count.set_collection("c");
    v1::CountPointsResponse counted;
    EXPECT_TRUE(server_.Call(*server_.points, &Points::CountPoints, count, &counted).ok());
    return counted.count();
  }

  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(PublicStream, AnswersEveryMessageUnderItsSequenceAndEndsWhenTheClientDoes) {
  Create();
  Open();
  std::thread writer([&] {
    for (uint64_t n = 0; n < 50; ++n) ASSERT_TRUE(stream_->Write(Message(7 * n, 10 * n, 10)));
    stream_->WritesDone();
  });
  std::set<uint64_t> answered;
  v1::StreamUpsertResponse answer;
  while (stream_->Read(&answer)) {
    EXPECT_EQ(answer.status().code(), 0) << answer.status().message();
    EXPECT_EQ(answer.upsert().written(), 10u);
    EXPECT_TRUE(answered.insert(answer.sequence()).second) << answer.sequence();
  }
  writer.join();
  EXPECT_TRUE(stream_->Finish().ok());
  EXPECT_EQ(answered.size(), 50u);
  EXPECT_EQ(*answered.rbegin(), 7u * 49);
  EXPECT_EQ(CountAll(), 500u);
}

TEST_F(PublicStream, AMessageThatIsRefusedDoesNotEndTheStream) {
  Create();
  Open();
  v1::StreamUpsertRequest nowhere = Message(1, 0, 1);
  nowhere.mutable_upsert()->set_collection("nowhere");
  v1::StreamUpsertRequest bad = Message(2, 0, 1);
  bad.mutable_upsert()->set_mode(static_cast<v1::WriteMode>(77));
  v1::StreamUpsertResponse answer;
  ASSERT_TRUE(stream_->Write(nowhere));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.sequence(), 1u);
  EXPECT_EQ(answer.status().code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_GT(answer.status().details_size(), 0) << "the reason";
  ASSERT_TRUE(stream_->Write(bad));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.sequence(), 2u);
  EXPECT_EQ(answer.status().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  ASSERT_TRUE(stream_->Write(Message(3, 0, 1)));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.upsert().written(), 1u);
  stream_->WritesDone();
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(PublicStream, AClientThatReadsNoAnswersIsNotReadFurtherAndThenCancelled) {
  Create();
  Open();
  // Each answer names what is wrong with 10,000 points: more than a megabyte.
  v1::StreamUpsertRequest message;
  message.mutable_upsert()->set_collection("c");
  for (uint32_t i = 0; i < limits::kPointsPerCallMax; ++i) message.mutable_upsert()->add_points();
  uint64_t written = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (written < 100'000 && stream_->Write(message)) ++written;
  EXPECT_LT(written, 10'000u) << "it was let write without end";
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));
  v1::StreamUpsertResponse answer;
  uint64_t answered = 0;
  while (stream_->Read(&answer)) ++answered;
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_LT(answered, written);
  FillLine(3);  // the server goes on
  EXPECT_EQ(CountAll(), 3u);
}

TEST_F(PublicStream, AStopAnswersWhatWasReadAndEndsAStreamThatItsClientLeavesOpen) {
  Create();
  Open();
  v1::StreamUpsertResponse answer;
  ASSERT_TRUE(stream_->Write(Message(1, 0, 10)));
  ASSERT_TRUE(stream_->Read(&answer));
  const auto begin = std::chrono::steady_clock::now();
  server_.Drain(begin + std::chrono::seconds(10));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "held up";
  EXPECT_FALSE(stream_->Read(&answer));
  const absl::Status ended = rpc::StatusFromGrpc(stream_->Finish());
  EXPECT_EQ(ReasonOf(ended), reason::kDraining) << ended;
  EXPECT_FALSE(FactOf(ended, kRetryAfterMsFact).value_or("").empty());
  grpc::ClientContext late;
  late.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  const auto refused = server_.points->StreamUpsert(&late);
  EXPECT_FALSE(refused->Read(&answer));
  EXPECT_EQ(ReasonOf(rpc::StatusFromGrpc(refused->Finish())), reason::kDraining);
}

TEST_F(PublicStream, WhatAStopLeavesUnansweredWasNotBegun) {
  Create();
  Open();
  std::atomic<uint64_t> read{0};
  std::set<uint64_t> answered;
  std::thread reader([&] {
    v1::StreamUpsertResponse answer;
    while (stream_->Read(&answer)) {
      EXPECT_EQ(answer.status().code(), 0) << answer.status().message();
      answered.insert(answer.sequence());
      read = answered.size();
    }
  });
  std::thread writer([&] {
    for (uint64_t n = 0; stream_->Write(Message(n, 10 * n, 10)); ++n) continue;
  });
  while (read < 20) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server_.Drain(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  writer.join();
  reader.join();
  EXPECT_EQ(ReasonOf(rpc::StatusFromGrpc(stream_->Finish())), reason::kDraining);
  EXPECT_EQ(server_.LivePoints("c"), 10 * answered.size());
}

TEST_F(PublicStream, AStreamThatIsBrokenOffLeavesTheServerWell) {
  Create();
  Open();
  for (uint64_t n = 0; n < 5; ++n) stream_->Write(Message(n, 10 * n, 10));
  context_.TryCancel();
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::CANCELLED);
  v1::UpsertResponse response;
  ASSERT_TRUE(Upsert(Line(10), &response).ok());
  EXPECT_EQ(response.written(), 10u);
}

}  // namespace
}  // namespace kith
