#ifndef KITH_TESTS_CONTRACT_AWAITED_CALLS_H_
#define KITH_TESTS_CONTRACT_AWAITED_CALLS_H_

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "common/shard_api/shard_service.h"

// The calls of a ShardService as plain functions that return their reply.
namespace kith::testing {

inline Deadline Soon() { return DeadlineIn(std::chrono::seconds(20)); }

// Runs start(done) and waits for its reply. A second reply throws in the promise and ends the test.
template <typename Reply, typename Start>
absl::StatusOr<Reply> Await(Start start) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<Reply>>>();
  std::future<absl::StatusOr<Reply>> future = promise->get_future();
  start(Done<Reply>(
      [promise](absl::StatusOr<Reply> reply) { promise->set_value(std::move(reply)); }));
  if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    return absl::InternalError("`done` was not called");
  }
  return future.get();
}

absl::StatusOr<SearchReply> SearchNow(ShardService& service, SearchCall call,
                                      Deadline deadline = Soon());
absl::StatusOr<WriteReply> WriteNow(ShardService& service, WriteCall call,
                                    Deadline deadline = Soon());
absl::StatusOr<GetReply> GetNow(ShardService& service, GetCall call, Deadline deadline = Soon());
absl::StatusOr<ScrollReply> ScrollNow(ShardService& service, ScrollCall call,
                                      Deadline deadline = Soon());

}  // namespace kith::testing

#endif  // KITH_TESTS_CONTRACT_AWAITED_CALLS_H_
