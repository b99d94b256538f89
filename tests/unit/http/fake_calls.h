#ifndef KITH_TESTS_UNIT_HTTP_FAKE_CALLS_H_
#define KITH_TESTS_UNIT_HTTP_FAKE_CALLS_H_

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "coordinator/http/rest_calls.h"

namespace kith::testing {

// Remembers what it is asked and answers as it is told.
class FakeCalls final : public http::RestCalls {
 public:
  http::RestReply Make(const http::RestCall& call) override {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
    }
    return answer(call);
  }

  void Close(Deadline) override {}

  std::vector<http::RestCall> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  std::function<http::RestReply(const http::RestCall&)> answer = [](const http::RestCall&) {
    return http::RestReply{};
  };

 private:
  mutable std::mutex mutex_;
  std::vector<http::RestCall> calls_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_UNIT_HTTP_FAKE_CALLS_H_
