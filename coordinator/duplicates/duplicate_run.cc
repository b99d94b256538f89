#include "coordinator/duplicates/duplicate_run.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr uint32_t kPointsOfBatch = 64;
constexpr std::chrono::seconds kCallDeadline{30};
constexpr std::chrono::milliseconds kCancelPoll{50};  // how soon a cancel is seen
constexpr int kAttempts = 6;

// What one call answered. It outlives the run where the answer comes after a cancel.
template <typename Answer>
class Awaited {
 public:
  Done<Answer> Taker() {
    return [state = state_](absl::StatusOr<Answer> answer) { state->set_value(std::move(answer)); };
  }
  absl::StatusOr<Answer> Wait(const RunningOperation& operation) {
    std::future<absl::StatusOr<Answer>> answer = state_->get_future();
    while (answer.wait_for(kCancelPoll) != std::future_status::ready) {
      KITH_RETURN_IF_ERROR(operation.Check());
    }
    return answer.get();
  }

 private:
  std::shared_ptr<std::promise<absl::StatusOr<Answer>>> state_ =
      std::make_shared<std::promise<absl::StatusOr<Answer>>>();
};

bool IsBusy(const absl::Status& status) {
  return absl::IsUnavailable(status) || ReasonOf(status) == reason::kQueueFull;
}

class DuplicateRun {
 public:
  DuplicateRun(const DuplicateSources& sources, const DuplicatesCall& call, uint64_t points,
               RunningOperation& operation)
      : sources_(sources),
        call_(call),
        points_(std::max<uint64_t>(1, points)),
        operation_(operation),
        clusters_(sources.points_max) {}

  absl::StatusOr<DuplicatesFound> Run() {
    ScrollPointsCall scroll;
    scroll.collection = call_.collection;
    scroll.limit = kPointsOfBatch;
    scroll.with_vector = true;
    do {
      const Deadline begun = sources_.clock.Now();
      KITH_ASSIGN_OR_RETURN(const ScrollPage page, Read(scroll));
      for (const ScrollReply& part : page.parts) KITH_RETURN_IF_ERROR(Compare(part));
      scroll.page_token = page.next_page_token;
      operation_.Report("comparing", static_cast<double>(outcome_.points_compared) /
                                         static_cast<double>(points_));
      const auto took =
          std::chrono::duration_cast<std::chrono::milliseconds>(sources_.clock.Now() - begun);
      KITH_RETURN_IF_ERROR(operation_.Pause(took));
    } while (!scroll.page_token.empty() && !outcome_.is_truncated);
    DuplicatesFound found;
    found.clusters = clusters_.Take();
    found.outcome = outcome_;
    found.outcome.clusters = found.clusters.size();
    for (const DuplicateCluster& cluster : found.clusters) found.outcome.points += cluster.size();
    return found;
  }

 private:
  // Repeats what failed because somebody was busy or away for a moment.
  template <typename Answer, typename Call>
  absl::StatusOr<Answer> Patiently(Call call) {
    std::chrono::milliseconds pause = sources_.retry_pause;
    for (int attempt = 1;; ++attempt, pause *= 2) {
      KITH_RETURN_IF_ERROR(operation_.Check());
      Awaited<Answer> awaited;
      call(awaited.Taker());
      absl::StatusOr<Answer> answer = awaited.Wait(operation_);
      if (answer.ok() || attempt == kAttempts || !IsBusy(answer.status())) return answer;
      KITH_RETURN_IF_ERROR(operation_.Pause(pause));
    }
  }

  absl::StatusOr<ScrollPage> Read(ScrollPointsCall scroll) {
    return Patiently<ScrollPage>([&](Done<ScrollPage> done) {
      scroll.deadline = sources_.clock.Now() + kCallDeadline;
      sources_.scroll.Scroll(scroll, std::move(done));
    });
  }

  absl::Status Compare(const ScrollReply& points) {
    const auto count = static_cast<uint32_t>(points.versions.size());
    if (count == 0) return absl::OkStatus();
    KITH_ASSIGN_OR_RETURN(const SearchAnswer answer, Search(points.vectors, count));
    size_t hit = 0;
    for (uint32_t i = 0; i < count && !outcome_.is_truncated; ++i) {
      const PointKey point = PointKey::FromBytes(points.keys.data() + i * PointKey::kSize);
      const uint32_t found = answer.hits.counts[i];
      if (found > kDuplicateNeighbours) ++outcome_.points_crowded;
      for (const size_t end = hit + found; hit < end; ++hit) Link(point, answer.hits, hit);
      ++outcome_.points_compared;
    }
    return absl::OkStatus();
  }

  void Link(const PointKey& point, const HitColumns& hits, size_t i) {
    const PointKey other = PointKey::FromBytes(hits.keys.data() + i * PointKey::kSize);
    if (other == point) return;
    // Of scores both metrics' own: nearer is smaller, as in a rank.
    const float rank = call_.max_distance.has_value() ? hits.scores[i] : -hits.scores[i];
    if (!clusters_.Link(point, other, rank)) outcome_.is_truncated = true;
  }

  absl::StatusOr<SearchAnswer> Search(const std::string& vectors, uint32_t count) {
    SearchQuery query;
    query.collection = call_.collection;
    query.form = QueryForm::kBatch;
    query.count = count;
    query.vectors.data = vectors;
    SearchParameters& p = query.parameters;
    p.limit = kDuplicateNeighbours + 1;  // one of them is the point itself
    p.max_distance = call_.max_distance;
    p.min_score = call_.min_score;
    p.target_recall = call_.target_recall;
    p.exact = call_.exact;
    auto left = std::make_shared<std::atomic<bool>>(false);
    query.cancelled = left;
    auto answer = Patiently<SearchAnswer>([&](Done<SearchAnswer> done) {
      query.deadline = sources_.clock.Now() + kCallDeadline;
      sources_.search.Search(query, std::move(done));
    });
    left->store(true);  // where the operation was cancelled meanwhile, no further step begins
    return answer;
  }

  const DuplicateSources& sources_;
  const DuplicatesCall& call_;
  const uint64_t points_;
  RunningOperation& operation_;
  DuplicateClusters clusters_;
  DuplicatesOutcome outcome_;
};

}  // namespace

absl::StatusOr<DuplicatesFound> FindDuplicates(const DuplicateSources& sources,
                                               const DuplicatesCall& call, uint64_t points,
                                               RunningOperation& operation) {
  return DuplicateRun(sources, call, points, operation).Run();
}

}  // namespace kith::coordinator
