#include "coordinator/search/search_service.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/best_score.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/group_rounds.h"
#include "coordinator/search/query_check.h"
#include "coordinator/search/query_examples.h"
#include "coordinator/search/range_rounds.h"
#include "coordinator/search/search_page.h"
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
  SearchQuery query;  // its views are empty, but for the examples': `vectors` has them
  std::shared_ptr<const std::string> vectors;  // in the shards' form
  std::string negatives;                       // likewise, of examples of kBestScore
  std::shared_ptr<const CollectionEntry> entry;
  Deadline started;
  uint32_t limit = 0;  // as asked for; the query's is how many are looked for
  PageBinding binding;
  std::optional<SearchPage> page;  // that page_token names
  RangeRounds rounds;
  std::optional<GroupRounds> groups;
  bool has_tried_again = false;  // under another index version
  bool has_read_again = false;   // because points changed between search and read
  telemetry::SearchObservation observation;
  Done<SearchAnswer> done;

  bool is_best_score() const {
    return query.examples.has_value() && query.examples->strategy == ExampleStrategy::kBestScore;
  }
  bool has_pages() const {
    return query.form == QueryForm::kSingle && !groups.has_value() && !is_best_score();
  }
  void SetVectors(QueryVectors of_points) {
    vectors = std::make_shared<const std::string>(std::move(of_points.searched));
    negatives = std::move(of_points.negative);
  }
};

void SearchService::Search(const SearchQuery& query, Done<SearchAnswer> done) {
  const SearchPriority priority = query.parameters.priority;
  if (absl::Status refusal = throttle_.Admit(map_.Resolve(query.collection), priority);
      !refusal.ok()) {
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
  if (!PointsOf(query).empty()) return ReadQueryPoints(*std::move(run));
  Begin(*std::move(run));
}

void SearchService::Begin(RunPtr run) {
  if (run->is_best_score()) {
    const size_t bytes = ShapeOf(run->entry->record).query_bytes();
    run->query.count = static_cast<uint32_t>(run->vectors->size() / bytes);
    run->query.parameters.limit = CandidatesOf(run->limit, *run->query.examples);
  }
  if (run->groups.has_value()) run->query.parameters.limit = run->groups->candidates();
  if (!run->has_pages()) return Answer(run);
  run->binding = BindingOf(run->entry->record, run->query, *run->vectors);
  if (!run->query.page_token.empty()) {
    absl::StatusOr<SearchPage> page = PageOf(run->query.page_token, run->binding);
    if (!page.ok()) return run->done(page.status());
    run->page = *std::move(page);
  }
  Answer(run);
}

void SearchService::Answer(RunPtr run) {
  if (run->query.is_cancelled()) return run->done(CallerLeft());
  absl::StatusOr<SearchPlan> planned = PlanSearch(run->entry, run->query);
  if (!planned.ok()) return run->done(planned.status());
  if (run->page.has_value()) {
    const absl::Status status = ContinueFrom(*run->page, *planned);
    if (!status.ok()) return run->done(status);
  }
  run->rounds.Fit(*planned);
  auto plan = std::make_shared<const SearchPlan>(*std::move(planned));
  const Deadline begun = clock_.Now();
  Scatter({plan, run->vectors, *run->query.deadline, run->query.cancelled},
          [this, run, plan, begun](SearchReplies replies) {
            if (MayTryAgain(*run, *plan, replies)) {
              run->rounds = {};
              return Answer(run);
            }
            const RoundTime time{begun, clock_.Now(), *run->query.deadline};
            if (run->rounds.WantsMore(*plan, replies, time)) return Answer(run);
            absl::StatusOr<SearchAnswer> answer = Collect(*run, *plan, replies);
            if (!answer.ok()) return run->done(answer.status());
            Shape(run, plan, *std::move(answer));
          });
}

absl::StatusOr<SearchService::RunPtr> SearchService::Validate(const SearchQuery& query) const {
  auto run = std::make_shared<Run>();
  run->started = clock_.Now();
  KITH_RETURN_IF_ERROR(CheckDeadline(query.deadline, run->started));
  KITH_ASSIGN_OR_RETURN(run->entry, map_.Find(query.collection));
  const CollectionRecord& record = run->entry->record;
  KITH_RETURN_IF_ERROR(CheckSearch(query, record));
  KITH_ASSIGN_OR_RETURN(std::string vectors, QueryRows(query, record));
  run->vectors = std::make_shared<const std::string>(std::move(vectors));
  if (query.examples.has_value() && PointsOf(query).empty()) {
    KITH_ASSIGN_OR_RETURN(auto examples, VectorsOf(query, PointRows(), ShapeOf(record)));
    run->SetVectors(std::move(examples));
  }
  run->query = query;
  run->query.collection = record.name;  // an alias may move while the search runs
  run->query.vectors = {};
  run->limit = query.parameters.limit.value_or(limits::kLimitDefault);
  if (query.group_by.has_value()) {
    run->groups.emplace(*query.group_by, record.payload_fields, run->limit);
  }
  return run;
}

void SearchService::ReadQueryPoints(RunPtr run) {
  absl::StatusOr<std::vector<uint64_t>> wait_lsns =
      WaitLsns(*run->entry, run->query.parameters.tokens, "parameters.tokens");
  if (!wait_lsns.ok()) return run->done(wait_lsns.status());
  PointRead read;
  read.entry = run->entry;
  for (const PointKey& key : PointsOf(run->query)) read.keys.append(key.view());
  read.with_vector = true;
  read.wait_lsns = *std::move(wait_lsns);
  read.deadline = *run->query.deadline;
  reader_.Read(std::move(read), [this, run](absl::StatusOr<PointRows> points) {
    if (!points.ok()) return run->done(points.status());
    auto vectors = VectorsOf(run->query, *points, ShapeOf(run->entry->record));
    if (!vectors.ok()) return run->done(vectors.status());
    run->SetVectors(*std::move(vectors));
    Begin(run);
  });
}

void SearchService::Scatter(const Asked& asked, Gather<SearchReply>::Finish finish) {
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), asked.deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "the shard did not answer in time")};
  // A reply may end the whole run while this loop still sends: nothing of it is read afterwards.
  const auto plan = asked.plan;
  const auto vectors = asked.vectors;
  const auto& routes = plan->entry->routes;
  const auto cancelled = asked.cancelled;
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
    answer->explanation->range_rounds = run.rounds.rounds();
    answer->explanation->points_within = run.rounds.points_within();
  }
  answer->completeness =
      run.page.has_value() ? run.page->completeness : CompletenessOf(plan, replies, run.rounds);
  if (run.has_pages() && answer->hits.size() == plan.limit) {
    const size_t last = answer->hits.size() - 1;
    const HitPlace place{answer->hits.scores[last],
                         PointKey::FromBytes(&answer->hits.keys[last * PointKey::kSize])};
    answer->next_page_token =
        SearchPageToken(run.binding, NextPage(plan, place, answer->completeness));
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

void SearchService::Shape(RunPtr run, PlanPtr plan, SearchAnswer answer) {
  if (run->groups.has_value()) return FormGroups(run, plan, std::move(answer));
  if (!run->is_best_score()) return Reply(run, plan, std::move(answer));
  answer.hits = FoldBest(answer.hits, run->entry->record.metric, plan->limit);
  if (!run->negatives.empty() && answer.hits.size() != 0) {
    return AskNegatives(run, plan, std::move(answer));
  }
  Reply(run, plan, std::move(answer));
}

void SearchService::FormGroups(RunPtr run, PlanPtr plan, SearchAnswer answer) {
  std::string keys = run->groups->Unread(answer.hits);
  if (keys.empty()) {
    const bool wants_more = run->groups->WantsMore(answer.hits);
    // The next round is the longer one: better what there is than nothing at the deadline.
    const Deadline now = clock_.Now();
    if (wants_more && now + (now - run->started) < *run->query.deadline) {
      run->query.parameters.limit = run->groups->candidates();
      run->rounds = {};
      return Answer(run);
    }
    run->groups->Take(answer);
    return Reply(run, plan, std::move(answer));
  }
  if (run->query.is_cancelled()) return run->done(CallerLeft());
  PointRead read;
  read.entry = plan->entry;
  read.keys = keys;
  read.with_payload = true;
  read.deadline = *run->query.deadline;
  reader_.Read(std::move(read), [this, run, plan, keys = std::move(keys),
                                 answer = std::move(answer)](auto points) mutable {
    if (!points.ok()) return run->done(points.status());
    run->groups->Learn(keys, *points);
    FormGroups(run, plan, std::move(answer));
  });
}

void SearchService::AskNegatives(RunPtr run, PlanPtr plan, SearchAnswer answer) {
  const CollectionRecord& record = plan->entry->record;
  SearchPlan asked = *plan;
  const auto count = static_cast<uint32_t>(run->negatives.size() / ShapeOf(record).query_bytes());
  asked.call = NegativeCall(*plan, answer.hits, count);
  asked.limit = asked.call.limit;
  asked.leave_out.clear();
  const auto negatives = std::make_shared<const SearchPlan>(std::move(asked));
  auto vectors = std::make_shared<const std::string>(run->negatives);
  Scatter({negatives, std::move(vectors), *run->query.deadline, run->query.cancelled},
          [this, run, plan, negatives, answer = std::move(answer)](SearchReplies replies) mutable {
            SearchQuery whole;  // a shard that does not answer would let points pass
            const auto near = MakeAnswer(*negatives, whole, replies);
            if (!near.ok()) return run->done(near.status());
            answer.hits =
                WithoutNearer(answer.hits, near->hits, plan->entry->record.metric, run->limit);
            Reply(run, plan, std::move(answer));
          });
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
