#include "common/rpc/unary_handler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/grpc_server.h"
#include "common/rpc/status_codes.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

// Handlers that a test fills in.
class Handlers final : public v1::Operations::CallbackService {
 public:
  Handlers(telemetry::RequestMetrics* metrics, Executor* admin, CallGate* gate)
      : calls_(metrics, admin, gate) {}

  grpc::ServerUnaryReactor* GetOperation(grpc::CallbackServerContext* context,
                                         const v1::GetOperationRequest* request,
                                         v1::Operation* response) override {
    return calls_.Async("GetOperation", context, request,
                        [=, this](const CallContext& call, FinishCall finish) {
                          response->set_id(request->id());
                          async(call, std::move(finish));
                        });
  }
  grpc::ServerUnaryReactor* CancelOperation(grpc::CallbackServerContext* context,
                                            const v1::GetOperationRequest* request,
                                            v1::Operation* response) override {
    return calls_.Blocking("CancelOperation", context, request, [=, this](const CallContext& call) {
      response->set_id(request->id());
      return blocking(call);
    });
  }

  const UnaryCalls& calls() const { return calls_; }

  std::function<void(const CallContext&, FinishCall)> async;
  std::function<absl::Status(const CallContext&)> blocking;

 private:
  const UnaryCalls calls_;
};

class UnaryHandlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = GrpcServer::Start({"127.0.0.1:0", {&handlers_}});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = v1::Operations::NewStub(grpc::CreateChannel(
        fmt::format("127.0.0.1:{}", server_->port()), grpc::InsecureChannelCredentials()));
  }

  grpc::Status Get(seconds timeout = seconds(20)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    request_.set_id("x");
    return stub_->GetOperation(&context, request_, &response_);
  }
  grpc::Status Cancel() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(20));
    v1::Operation response;
    return stub_->CancelOperation(&context, request_, &response);
  }

  telemetry::Metrics metrics_;
  telemetry::RequestMetrics requests_{metrics_};
  Executor admin_{{"admin", 1, 1}};
  CallGate gate_{CallGateOptions{}};  // without keys
  Handlers handlers_{&requests_, &admin_, &gate_};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::Operations::Stub> stub_;
  v1::GetOperationRequest request_;
  v1::Operation response_;
};

TEST_F(UnaryHandlerTest, AnAnswerAndItsStatusReachTheClientAndTheMetrics) {
  handlers_.async = [](const CallContext&, FinishCall finish) { finish(absl::OkStatus()); };
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(response_.id(), "x");
  handlers_.async = [](const CallContext&, FinishCall finish) {
    finish(FieldError("id", reason::kOperationNotFound, "is unknown"));
  };
  const absl::Status status = StatusFromGrpc(Get());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kOperationNotFound);
  EXPECT_EQ(FactOf(status, kFieldFact), "id");
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("kith_requests_total{code=\"OK\",method=\"GetOperation\"} 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("code=\"INVALID_ARGUMENT\",method=\"GetOperation\"} 1"));
}

// More of them would wait in the server's memory; so they wait in the client.
TEST_F(UnaryHandlerTest, AConnectionCarriesOnlySoManyCallsAtOnce) {
  std::mutex mutex;
  std::vector<FinishCall> held;
  const auto count = [&] {
    std::lock_guard lock(mutex);
    return held.size();
  };
  handlers_.async = [&](const CallContext&, FinishCall finish) {
    std::lock_guard lock(mutex);
    held.push_back(std::move(finish));
  };
  struct Call {
    grpc::ClientContext context;
    v1::GetOperationRequest request;
    v1::Operation response;
  };
  constexpr size_t kMost = limits::kStreamsPerConnectionMax;
  std::vector<std::unique_ptr<Call>> calls;
  std::atomic<size_t> answered{0};
  for (size_t i = 0; i < kMost + 20; ++i) {
    Call& call = *calls.emplace_back(std::make_unique<Call>());
    stub_->async()->GetOperation(&call.context, &call.request, &call.response,
                                 [&](const grpc::Status&) { ++answered; });
  }
  const Deadline give_up = DeadlineIn(seconds(20));
  while (count() < kMost && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  std::this_thread::sleep_for(milliseconds(100));  // for those that must not come
  EXPECT_EQ(count(), kMost);
  while (answered < calls.size() && std::chrono::steady_clock::now() < give_up) {
    std::vector<FinishCall> taken;
    {
      std::lock_guard lock(mutex);
      taken.swap(held);
    }
    for (FinishCall& finish : taken) finish(absl::OkStatus());
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(answered, calls.size()) << "the others come when there is room";
}

TEST_F(UnaryHandlerTest, AnAnswerMayComeLaterFromAnotherThread) {
  std::thread later;
  handlers_.async = [&](const CallContext&, FinishCall finish) {
    later = std::thread([finish = std::move(finish)]() mutable {
      std::this_thread::sleep_for(milliseconds(20));
      finish(absl::OkStatus());
      finish(absl::InternalError("a second answer is ignored"));
    });
  };
  EXPECT_TRUE(Get().ok());
  later.join();
}

TEST_F(UnaryHandlerTest, ACallThatIsDroppedIsAnsweredAllTheSame) {
  handlers_.async = [](const CallContext&, FinishCall) {};
  EXPECT_EQ(Get().error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(UnaryHandlerTest, TheHandlerSeesTheDeadlineOrItsAbsence) {
  std::optional<Deadline> seen;
  handlers_.async = [&](const CallContext& call, FinishCall finish) {
    seen = call.deadline;
    finish(absl::OkStatus());
  };
  EXPECT_TRUE(Get(seconds(20)).ok());
  ASSERT_TRUE(seen.has_value());
  EXPECT_LT(*seen, DeadlineIn(milliseconds(20'100)));  // gRPC rounds up on its way
  EXPECT_GT(*seen, DeadlineIn(seconds(15)));
  grpc::ClientContext without;
  EXPECT_TRUE(stub_->GetOperation(&without, request_, &response_).ok());
  EXPECT_FALSE(seen.has_value());
}

TEST_F(UnaryHandlerTest, ACancelledCallIsMarkedWhileItIsHandled) {
  std::promise<void> begun;
  std::promise<bool> marked;
  handlers_.blocking = [&](const CallContext& call) {
    begun.set_value();
    const Deadline give_up = DeadlineIn(seconds(10));
    while (!call.is_cancelled() && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    marked.set_value(call.is_cancelled());
    return absl::OkStatus();
  };
  grpc::ClientContext context;
  std::thread caller([&] {
    EXPECT_EQ(stub_->CancelOperation(&context, request_, &response_).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  // A call that is cancelled before it is sent never comes here.
  begun.get_future().wait();
  context.TryCancel();
  caller.join();
  EXPECT_TRUE(marked.get_future().get());
}

TEST_F(UnaryHandlerTest, BlockingCallsBeyondTheQueueAreRefusedWithARetryHint) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> running{0};
  handlers_.blocking = [&](const CallContext&) {
    ++running;
    released.wait();
    return absl::OkStatus();
  };
  std::vector<std::future<grpc::Status>> calls;
  calls.push_back(std::async(std::launch::async, [&] { return Cancel(); }));
  while (running == 0) std::this_thread::sleep_for(milliseconds(1));
  calls.push_back(std::async(std::launch::async, [&] { return Cancel(); }));
  while (admin_.queued() == 0) std::this_thread::sleep_for(milliseconds(1));
  const absl::Status refused = StatusFromGrpc(Cancel());
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kQueueFull);
  EXPECT_TRUE(FactOf(refused, kRetryAfterMsFact).has_value());
  release.set_value();
  for (auto& call : calls) EXPECT_TRUE(call.get().ok());
}

TEST_F(UnaryHandlerTest, WhileItDrainsLateArrivalsAreToldSoAndCallsUnderWayEnd) {
  std::promise<FinishCall> arrived;
  handlers_.async = [&](const CallContext&, FinishCall finish) {
    arrived.set_value(std::move(finish));
  };
  handlers_.blocking = [](const CallContext&) { return absl::OkStatus(); };
  auto under_way = std::async(std::launch::async, [&] { return Get(); });
  FinishCall finish = arrived.get_future().get();
  auto drained =
      std::async(std::launch::async, [&] { handlers_.calls().Drain(DeadlineIn(seconds(20))); });
  absl::Status late = absl::OkStatus();
  while (late.ok()) late = StatusFromGrpc(Cancel());
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(late), reason::kDraining);
  EXPECT_TRUE(FactOf(late, kRetryAfterMsFact).has_value());
  EXPECT_EQ(drained.wait_for(milliseconds(200)), std::future_status::timeout);
  finish(absl::OkStatus());
  EXPECT_TRUE(under_way.get().ok());
  drained.get();
}

TEST_F(UnaryHandlerTest, WhileItDrainsTheGateIsNotAsked) {
  handlers_.blocking = [](const CallContext&) { return absl::OkStatus(); };
  request_.set_id(std::string(kNameBytesMax + 1, 'a'));
  EXPECT_EQ(ReasonOf(StatusFromGrpc(Cancel())), reason::kBadRequest) << "as the gate says";
  handlers_.calls().Drain(DeadlineIn(milliseconds(0)));
  EXPECT_EQ(ReasonOf(StatusFromGrpc(Cancel())), reason::kDraining);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("kith_requests_total{code=\"UNAVAILABLE\",method=\"CancelOperation\"} 1"));
}

TEST_F(UnaryHandlerTest, ADrainEndsAtItsDeadlineWhateverIsUnderWay) {
  std::promise<FinishCall> arrived;
  handlers_.async = [&](const CallContext&, FinishCall finish) {
    arrived.set_value(std::move(finish));
  };
  auto under_way = std::async(std::launch::async, [&] { return Get(); });
  FinishCall finish = arrived.get_future().get();
  handlers_.calls().Drain(DeadlineIn(milliseconds(30)));
  finish(absl::OkStatus());
  EXPECT_TRUE(under_way.get().ok());
}

TEST_F(UnaryHandlerTest, ASecondServerOnThePortIsAnError) {
  const auto second = GrpcServer::Start({fmt::format("127.0.0.1:{}", server_->port()), {}});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
}

}  // namespace
}  // namespace kith::rpc
