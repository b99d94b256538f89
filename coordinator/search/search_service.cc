#include "coordinator/search/search_service.h"

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/query_check.h"
#include "coordinator/search/search_reply.h"

namespace kith::coordinator {
namespace {

absl::Status CallerLeft() { return absl::CancelledError("the caller went away"); }

bool IsVersionMissing(const absl::StatusOr<SearchReply>& reply) {
  return !reply.ok() && ReasonOf(reply.status()) == reason::kIndexVersionNotReady;
}

uint64_t MicrosBetween(Deadline from, Deadline to) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

// One search on its way. It changes between its steps only, never while shards are being called.
struct SearchService::Run {
  SearchQuery query;  // its views are empty: `vectors` has them in the shards' form
  std::shared_ptr<const std::string> vectors;
  std::shared_ptr<const CollectionEntry> entry;
  Deadline started;
  bool has_tried_again = false;  // under another index version
  bool has_read_again = false;   // because points changed between search and read
  telemetry::SearchObservation observation;
  Done<SearchAnswer> done;
};

void SearchService::Search(const SearchQuery& query, Done<SearchAnswer> done) {
  const SearchPriority priority = query.parameters.priority;
  if (absl::Status refusal = throttle_.Admit(query.collection, priority); !refusal.ok()) {
    return done(std::move(refusal));
  }
  absl::StatusOr<RunPtr> run = Validate(query);
  if (!run.ok()) return done(run.status());
  (*run)->done = [this, run = (*run).get(),
                  done = std::move(done)](absl::StatusOr<SearchAnswer> answer) mutable {
    if (IsOverload(answer.status())) {
      throttle_.NoteRefused(run->query.collection, run->query.parameters.priority);
    }
    done(std::move(answer));
  };
  if (query.point.has_value()) return ReadQueryPoint(*std::move(run));
  Answer(*std::move(run));
}

void SearchService::Answer(RunPtr run) {
  if (run->query.is_cancelled()) return run->done(CallerLeft());
  absl::StatusOr<SearchPlan> planned = PlanSearch(run->entry, run->query);
  if (!planned.ok()) return run->done(planned.status());
  auto plan = std::make_shared<const SearchPlan>(*std::move(planned));
  Scatter(*run, plan, [this, run, plan](SearchReplies replies) {
    if (MayTryAgain(*run, *plan, replies)) return Answer(run);
    absl::StatusOr<SearchAnswer> answer = Collect(*run, *plan, replies);
    if (!answer.ok()) return run->done(answer.status());
    Reply(run, plan, *std::move(answer));
  });
}

absl::StatusOr<SearchService::RunPtr> SearchService::Validate(const SearchQuery& query) const {
  auto run = std::make_shared<Run>();
  run->started = clock_.Now();
  KITH_RETURN_IF_ERROR(CheckDeadline(query.deadline, run->started));
  KITH_ASSIGN_OR_RETURN(run->entry, map_.Find(query.collection));
  KITH_RETURN_IF_ERROR(CheckSearch(query, run->entry->record));
  KITH_ASSIGN_OR_RETURN(std::string vectors, QueryVectors(query, run->entry->record));
  run->vectors = std::make_shared<const std::string>(std::move(vectors));
  run->query = query;
  run->query.vectors = {};
  return run;
}

void SearchService::ReadQueryPoint(RunPtr run) {
  absl::StatusOr<std::vector<uint64_t>> wait_lsns =
      WaitLsns(*run->entry, run->query.parameters.tokens, "parameters.tokens");
  if (!wait_lsns.ok()) return run->done(wait_lsns.status());
  PointRead read;
  read.entry = run->entry;
  read.keys = run->query.point->view();
  read.with_vector = true;
  read.wait_lsns = *std::move(wait_lsns);
  read.deadline = *run->query.deadline;
  reader_.Read(std::move(read), [this, run](absl::StatusOr<PointRows> points) {
    if (!points.ok()) return run->done(points.status());
    const PointRows::Row& row = points->rows.front();
    if (!row.is_found) {
      return run->done(
          Error(absl::StatusCode::kNotFound, reason::kPointNotFound,
                "point: no point " + PointKeyToString(*run->query.point) + " in this collection",
                {{kFieldFact, "point"}}));
    }
    std::string vector;
    const absl::Status status =
        AppendVector(ShapeOf(run->entry->record), {row.vector, {}}, VectorUse::kQuery, vector);
    if (!status.ok()) return run->done(AtField(status, "point"));
    run->vectors = std::make_shared<const std::string>(std::move(vector));
    Answer(run);
  });
}

void SearchService::Scatter(const Run& run, PlanPtr plan, Gather<SearchReply>::Finish finish) {
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), *run.query.deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "the shard did not answer in time")};
  const auto& routes = plan->entry->routes;
  // A reply may end the whole run while this loop still sends: nothing of it is read afterwards.
  const std::shared_ptr<const std::string> vectors = run.vectors;
  const auto cancelled = run.query.cancelled;
  ScatterGather<SearchReply>(
      routes.size(), limits,
      [&](size_t i, Done<SearchReply> done) {
        SearchCall call = plan->CallFor(i, *vectors);
        call.cancelled = cancelled;
        routes[i]->service->Search(std::move(call), deadlines.shards, std::move(done));
      },
      std::move(finish));
}

// A version can be promoted, and the old one dropped, between our look at the map and the shard's
// at the call: then, and only then, the same search is made again, once.
bool SearchService::MayTryAgain(Run& run, const SearchPlan& plan,
                                const SearchReplies& replies) const {
  if (run.has_tried_again || clock_.Now() >= *run.query.deadline) return false;
  if (std::none_of(replies.begin(), replies.end(), IsVersionMissing)) return false;
  auto newer = NewerEntry(run, plan);
  if (newer == nullptr) return false;
  run.entry = std::move(newer);
  run.has_tried_again = true;
  return true;
}

std::shared_ptr<const CollectionEntry> SearchService::NewerEntry(const Run& run,
                                                                 const SearchPlan& plan) const {
  auto entry = map_.Find(run.query.collection);
  if (!entry.ok()) return nullptr;
  const CollectionRecord& fresh = (*entry)->record;
  const CollectionRecord& searched = plan.entry->record;
  const bool is_newer = fresh.incarnation == searched.incarnation &&
                        fresh.serving_version != searched.serving_version;
  return is_newer ? *std::move(entry) : nullptr;
}

absl::StatusOr<SearchAnswer> SearchService::Collect(const Run& run, const SearchPlan& plan,
                                                    SearchReplies& replies) const {
  const Deadline before = clock_.Now();
  telemetry::SearchObservation observation = Observe(replies);
  absl::StatusOr<SearchAnswer> answer = MakeAnswer(plan, run.query, replies);
  if (!answer.ok()) {
    // Promoted again while we tried again. A shard that only lacks what serves is like one that is
    // loading: it lowers the coverage.
    const auto missing = std::find_if(replies.begin(), replies.end(), IsVersionMissing);
    return missing != replies.end() && NewerEntry(run, plan) != nullptr ? missing->status()
                                                                        : answer.status();
  }
  const Deadline after = clock_.Now();
  if (answer->explanation.has_value()) {
    answer->explanation->merge_us = MicrosBetween(before, after);
  }
  if (observers_.stages) {
    observation.merge_ns = static_cast<uint64_t>((after - before).count());
    observation.coverage = answer->coverage.ratio;
    observers_.stages(observation);
  }
  if (observers_.answers) {
    observers_.answers({plan, run.query, *run.vectors, *answer, observation.queue_ns, run.started});
  }
  return answer;
}

void SearchService::Reply(RunPtr run, PlanPtr plan, SearchAnswer answer) {
  const auto finish = [this](Run& run, SearchAnswer answer) {
    if (answer.explanation.has_value()) {
      answer.explanation->coordinator_us = MicrosBetween(run.started, clock_.Now());
    }
    run.done(std::move(answer));
  };
  const SearchParameters& parameters = run->query.parameters;
  if (answer.hits.size() == 0 || !(parameters.with_payload || parameters.with_vector)) {
    return finish(*run, std::move(answer));
  }
  if (run->query.is_cancelled()) return run->done(CallerLeft());
  PointRead read;
  read.entry = plan->entry;
  read.keys = answer.hits.keys;
  read.with_payload = parameters.with_payload;
  read.with_vector = parameters.with_vector;
  read.deadline = *run->query.deadline;
  const Deadline before = clock_.Now();
  reader_.Read(std::move(read), [this, finish, run, before, answer = std::move(answer)](
                                    absl::StatusOr<PointRows> points) mutable {
    if (!points.ok()) return run->done(points.status());
    // An answer is as of one lsn: what changed since is searched again, once.
    const bool may_repeat = !run->has_read_again && clock_.Now() < *run->query.deadline;
    if (may_repeat && !AreAsFound(*points, answer.hits)) {
      run->has_read_again = true;
      return Answer(run);
    }
    AddPoints(*points, run->query.parameters, answer);
    if (answer.explanation.has_value()) {
      answer.explanation->payload_us = MicrosBetween(before, clock_.Now());
    }
    finish(*run, std::move(answer));
  });
}

}  // namespace kith::coordinator
