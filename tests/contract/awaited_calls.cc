#include "tests/contract/awaited_calls.h"

namespace kith::testing {

absl::StatusOr<SearchReply> SearchNow(ShardService& service, SearchCall call, Deadline deadline) {
  return Await<SearchReply>(
      [&](Done<SearchReply> done) { service.Search(std::move(call), deadline, std::move(done)); });
}

absl::StatusOr<WriteReply> WriteNow(ShardService& service, WriteCall call, Deadline deadline) {
  return Await<WriteReply>(
      [&](Done<WriteReply> done) { service.Write(std::move(call), deadline, std::move(done)); });
}

absl::StatusOr<GetReply> GetNow(ShardService& service, GetCall call, Deadline deadline) {
  return Await<GetReply>(
      [&](Done<GetReply> done) { service.Get(std::move(call), deadline, std::move(done)); });
}

absl::StatusOr<ScrollReply> ScrollNow(ShardService& service, ScrollCall call, Deadline deadline) {
  return Await<ScrollReply>(
      [&](Done<ScrollReply> done) { service.Scroll(std::move(call), deadline, std::move(done)); });
}

}  // namespace kith::testing
