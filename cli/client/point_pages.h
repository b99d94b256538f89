#ifndef KITH_CLI_CLIENT_POINT_PAGES_H_
#define KITH_CLI_CLIENT_POINT_PAGES_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "cli/client/connection.h"
#include "cli/console/interrupt.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::cli {

struct PointPagesOptions {
  std::string collection;
  uint32_t limit = 10'000;
  bool with_vector = false;
  bool with_payload = false;
  // Gives up when no page came for so long.
  std::chrono::milliseconds patience{300'000};
};

// The points of a collection, one page after another. A page whose failure may pass is asked for
// again.
// Threads: one at a time.
class PointPages {
 public:
  PointPages(const std::shared_ptr<grpc::Channel>& channel, const PointPagesOptions& options,
             InterruptWatch& interrupt);

  // The next page, which may be empty only where it is the last. CANCELLED after an interrupt.
  absl::StatusOr<v1::ScrollPointsResponse> Next();
  bool at_end() const { return at_end_; }
  uint64_t retries() const { return retries_; }

 private:
  absl::Status Wait(std::chrono::milliseconds delay);

  const std::chrono::milliseconds patience_;
  InterruptWatch& interrupt_;
  const std::unique_ptr<v1::Points::Stub> stub_;
  v1::ScrollPointsRequest request_;
  std::minstd_rand jitter_;
  bool at_end_ = false;
  uint64_t retries_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_POINT_PAGES_H_
