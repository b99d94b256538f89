#include "common/rpc/poller_limit.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace kith::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kCalls = 100;

// A server in gRPC's callbacks that remembers the threads they ran on, each busy for a while.
class ThreadsSeen final : public grpc::CallbackGenericService {
 public:
  ThreadsSeen() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    {
      std::lock_guard lock(mutex_);
      threads_.insert(std::this_thread::get_id());
    }
    std::this_thread::sleep_for(milliseconds(1));  // the others would take what comes meanwhile
    return new Ends;
  }

  // The threads that answered kCalls calls which were made at once.
  size_t Count() {
    Call calls[kCalls];
    {
      std::lock_guard lock(mutex_);
      threads_.clear();
      answered_ = 0;
    }
    for (Call& call : calls) {
      stub_->UnaryCall(&call.context, "/test/Any", {}, &call.request, &call.response,
                       [this](const grpc::Status&) {
                         std::lock_guard lock(mutex_);
                         if (++answered_ == kCalls) changed_.notify_all();
                       });
    }
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(30), [&] { return answered_ == kCalls; }));
    return threads_.size();
  }

 private:
  struct Ends final : grpc::ServerGenericBidiReactor {
    Ends() { Finish(grpc::Status::OK); }
    void OnDone() override { delete this; }
  };
  struct Call {
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1};
    grpc::ByteBuffer response;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> threads_;
  int answered_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST(PollerLimit, OneThreadAnswersEverything) {
  const PollerLimit limit(1);
  EXPECT_GE(limit.held(), 1);
  ThreadsSeen seen;
  EXPECT_EQ(seen.Count(), 1);
}

TEST(PollerLimit, LetsThemGoWithWhatIsUnderWay) {
  ThreadsSeen seen;
  { const PollerLimit limit(1); }
  EXPECT_GE(seen.Count(), 2);
}

// The last that holds gRPC's threads must not be one of them.
TEST(PollerLimit, MayComeAgain) {
  for (int i = 0; i < 50; ++i) {
    const PollerLimit limit(1);
    EXPECT_GE(limit.held(), 1);
  }
}

TEST(PollerLimit, HoldsNobodyWhereThereAreFewerThanAllowed) {
  const PollerLimit limit(1000);
  EXPECT_EQ(limit.held(), 0);
}

TEST(PollerLimit, FollowsTheCores) {
  EXPECT_EQ(PollerLimit::ThreadsFor(1), 1);
  EXPECT_EQ(PollerLimit::ThreadsFor(2), 1);
  EXPECT_EQ(PollerLimit::ThreadsFor(4), 2);
  EXPECT_EQ(PollerLimit::ThreadsFor(64), 32);
}

}  // namespace
}  // namespace kith::rpc
