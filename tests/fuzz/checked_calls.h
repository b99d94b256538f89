#ifndef KITH_TESTS_FUZZ_CHECKED_CALLS_H_
#define KITH_TESTS_FUZZ_CHECKED_CALLS_H_

#include <memory>
#include <string>

#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/rest_calls.h"

namespace kith::fuzz {

// Behind REST in place of the gRPC server: requires that whatever a request was made into is a call
// as gRPC takes it, whose message means the same when it has gone through JSON once more. Answers
// with an empty message. Threads: any.
class CheckedCalls final : public http::RestCalls {
 public:
  http::RestReply Make(const http::RestCall& call) override;
  void Close(Deadline) override {}

 private:
  void CheckMessage(const http::RestCall& call) const;

  const std::unique_ptr<http::ApiDescriptors> api_ = *http::ApiDescriptors::Load();
};

// What a gateway over these calls may answer: an answer or an error of the caller's, in JSON.
void CheckAnswer(const http::HttpAnswer& answer);

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_CHECKED_CALLS_H_
