#include "cli/client/point_pages.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "cli/client/rpc_error.h"
#include "common/base/status.h"

namespace kith::cli {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

PointPages::PointPages(const std::shared_ptr<grpc::Channel>& channel,
                       const PointPagesOptions& options, InterruptWatch& interrupt)
    : patience_(options.patience),
      interrupt_(interrupt),
      stub_(v1::Points::NewStub(channel)),
      jitter_(std::random_device{}()) {
  request_.set_collection(options.collection);
  request_.set_limit(options.limit);
  request_.set_with_vector(options.with_vector);
  request_.set_with_payload(options.with_payload);
}

absl::StatusOr<v1::ScrollPointsResponse> PointPages::Next() {
  const auto give_up = steady_clock::now() + patience_;
  for (int attempt = 1;; ++attempt) {
    if (interrupt_.interrupted()) return absl::CancelledError("interrupted");
    v1::ScrollPointsResponse page;
    const absl::Status status = CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return stub_->ScrollPoints(context, request_, &page);
    });
    if (status.ok()) {
      at_end_ = page.next_page_token().empty();
      request_.set_page_token(page.next_page_token());
      return page;
    }
    const double jitter = static_cast<double>(jitter_()) / (static_cast<double>(jitter_.max()) + 1);
    const std::optional<milliseconds> delay = RetryDelay(status, attempt, jitter);
    if (!delay.has_value() || steady_clock::now() + *delay > give_up) return status;
    ++retries_;
    KITH_RETURN_IF_ERROR(Wait(*delay));
  }
}

// In short steps, so that Ctrl-C is seen.
absl::Status PointPages::Wait(milliseconds delay) {
  constexpr milliseconds kStep{100};
  for (milliseconds left = delay; left.count() > 0; left -= kStep) {
    if (interrupt_.interrupted()) return absl::CancelledError("interrupted");
    std::this_thread::sleep_for(std::min(left, kStep));
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
