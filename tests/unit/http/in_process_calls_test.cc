#include "coordinator/http/in_process_calls.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/grpc_server.h"
#include "common/rpc/status_codes.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::http {
namespace {

using std::chrono::milliseconds;

// Answers CountPoints by the name of the collection.
class CountService final : public v1::Points::CallbackService {
 public:
  grpc::ServerUnaryReactor* CountPoints(grpc::CallbackServerContext* context,
                                        const v1::CountPointsRequest* request,
                                        v1::CountPointsResponse* response) override {
    ++started_;
    if (request->collection() == "waits") return new Waiting(&cancelled_);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    if (request->collection() == "key") {
      const auto key = context->client_metadata().find("x-api-key");
      response->set_count(key == context->client_metadata().end() ? 0 : key->second.length());
    }
    reactor->Finish(request->collection() == "none"
                        ? rpc::StatusToGrpc(Error(absl::StatusCode::kNotFound,
                                                  reason::kCollectionNotFound, "none"))
                        : grpc::Status::OK);
    return reactor;
  }
  int started() const { return started_; }
  int cancelled() const { return cancelled_; }

 private:
  // Ends only when it is cancelled.
  class Waiting final : public grpc::ServerUnaryReactor {
   public:
    explicit Waiting(std::atomic<int>* cancelled) : cancelled_(cancelled) {}
    void OnCancel() override {
      ++*cancelled_;
      Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

   private:
    std::atomic<int>* const cancelled_;
  };

  std::atomic<int> started_{0};
  std::atomic<int> cancelled_{0};
};

class InProcessCallsTest : public ::testing::Test {
 protected:
  static RestCall CallOf(const std::string& collection) {
    v1::CountPointsRequest request;
    request.set_collection(collection);
    return {.method = "/kith.v1.Points/CountPoints", .request = request.SerializeAsString()};
  }

  CountService service_;
  const std::unique_ptr<rpc::GrpcServer> server_ =
      *rpc::GrpcServer::Start({"127.0.0.1:0", {&service_}});
  InProcessCalls calls_{server_->InProcessChannel()};
};

TEST_F(InProcessCallsTest, MetadataReachesTheService) {
  RestCall call = CallOf("key");
  call.metadata = {{"x-api-key", "12345"}};
  const RestReply reply = calls_.Make(call);
  EXPECT_EQ(reply.status.code(), 0);
  v1::CountPointsResponse response;
  ASSERT_TRUE(response.ParseFromString(reply.response));
  EXPECT_EQ(response.count(), 5u);
}

TEST_F(InProcessCallsTest, AnErrorComesWithItsDetails) {
  const RestReply reply = calls_.Make(CallOf("none"));
  EXPECT_EQ(reply.status.code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(ReasonOf(rpc::StatusFromProto(reply.status)), reason::kCollectionNotFound);
}

TEST_F(InProcessCallsTest, ACallEndsAtItsDeadline) {
  RestCall call = CallOf("waits");
  call.timeout = milliseconds(50);
  EXPECT_EQ(calls_.Make(call).status.code(), static_cast<int>(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(InProcessCallsTest, ACallThatNobodyWantsAnyMoreIsCancelled) {
  RestCall call = CallOf("waits");
  call.timeout = std::chrono::seconds(20);
  call.is_wanted = [] { return false; };
  EXPECT_EQ(calls_.Make(call).status.code(), static_cast<int>(absl::StatusCode::kCancelled));
  while (service_.cancelled() == 0) std::this_thread::sleep_for(milliseconds(1));
}

TEST_F(InProcessCallsTest, ACallAfterTheStopIsUnavailableAndOneUnderWayEnds) {
  RestReply under_way;
  std::thread caller([&] { under_way = calls_.Make(CallOf("waits")); });
  while (service_.started() == 0) std::this_thread::sleep_for(milliseconds(1));
  calls_.Close(DeadlineIn(milliseconds(50)));  // it does not end by itself
  server_->Shutdown(DeadlineIn(milliseconds(0)));
  caller.join();
  EXPECT_NE(under_way.status.code(), 0);
  const RestReply late = calls_.Make(CallOf("key"));
  EXPECT_EQ(late.status.code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(rpc::StatusFromProto(late.status)), reason::kDraining);
}

TEST_F(InProcessCallsTest, AStopWaitsForACallUnderWay) {
  RestReply under_way;
  RestCall call = CallOf("waits");
  call.timeout = milliseconds(300);
  std::thread caller([&] { under_way = calls_.Make(call); });
  while (service_.started() == 0) std::this_thread::sleep_for(milliseconds(1));
  calls_.Close(DeadlineIn(std::chrono::seconds(20)));
  server_->Shutdown(DeadlineIn(milliseconds(0)));
  caller.join();
  EXPECT_EQ(under_way.status.code(), static_cast<int>(absl::StatusCode::kDeadlineExceeded))
      << "its own end, not that of the server: " << under_way.status.message();
}

}  // namespace
}  // namespace kith::http
