#include "shard/search/search_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "index/gpu/card_finisher.h"
#include "index/prefetch.h"
#include "shard/parts/index_status.h"
#include "shard/search/filtered_search.h"

namespace kith::shard {
namespace {

uint64_t NanosecondsBetween(Deadline from, Deadline to) {
  return static_cast<uint64_t>(std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count()));
}

constexpr uint32_t kQueriesOfRun = 8;
// An index asks with every list whether time is up, which is a twentieth of a search if each time a
// clock is read.
constexpr uint32_t kAsksALook = 32;
// Of a hit's record; what follows the processor fetches by itself.
constexpr size_t kRecordBytesAhead = 256;

absl::Status CheckCall(const SearchCall& call, const ShardSpec& spec) {
  const size_t query_bytes = spec.dimension * ElementSize(QueryType(spec.element_type));
  if ((call.count == 0 && call.filter == nullptr) || call.count > limits::kQueriesMax ||
      call.queries.size() != call.count * query_bytes) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 "a shard search's queries do not match their count and dimension");
  }
  // A search leaves the points out that it came from.
  if (call.limit == 0 || call.limit > limits::kLimitMax + 2 * limits::kExamplesMax) {
    return FieldError("limit", reason::kLimitOutOfRange, "1 to 10,000 at a shard");
  }
  if (call.after.has_value() && !(call.after->score == call.after->score)) {
    return FieldError("after_score", reason::kBadRequest, "is no number");
  }
  return absl::OkStatus();
}

absl::Status NotHere(const Snapshot& snapshot, const std::string& version) {
  for (const LostIndex& lost : snapshot.lost) {
    if (lost.version != version) continue;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady,
                 fmt::format("index version {} cannot be read at this shard: {}. Put the file back "
                             "and start the node again, or train again; until then ask with exact",
                             version, lost.why));
  }
  return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady,
               fmt::format("index version {} is not built at this shard", version));
}

absl::Status NotReadyYet(const std::string& version) {
  return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
               fmt::format("index version {} is still being built at this shard; retry", version),
               {{kRetryAfterMsFact, "500"}});
}

absl::Status TooLate() {
  return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
               "the deadline passed while the call waited");
}

}  // namespace

// One call under way. Shared by its runs; the last one to end answers.
class SearchRunner::Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(SearchRunner& runner, SearchCall call, Deadline deadline, Done<SearchReply> done)
      : runner_(runner),
        call_(std::move(call)),
        deadline_(deadline),
        done_(std::move(done)),
        begun_(runner.parts_.clock->Now()),
        answers_(call_.count) {}

  absl::Status Prepare() {
    const CopyParts& parts = runner_.parts_;
    KITH_RETURN_IF_ERROR(CheckCall(call_, parts.spec));
    KITH_RETURN_IF_ERROR(runner_.queue_.Admit(Work(std::max(1u, call_.count))));
    snapshot_ = parts.snapshots.Pin();
    if (call_.wait_lsn > snapshot_->lsn) {
      return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                   fmt::format("the shard is at lsn {}, the token asks for {}", snapshot_->lsn,
                               call_.wait_lsn));
    }
    return FindIndex();
  }

  void Start() {
    if (call_.filter == nullptr) return StartSearch();
    // Its time counts as a query's: what a filter takes is not learnt apart.
    runner_.queue_.Push(Work(1), [self = shared_from_this()](Turn turn) {
      const bool is_late = turn == Turn::kExpired || self->IsCancelled();
      const absl::Status status = is_late ? TooLate() : self->ApplyFilter();
      if (!status.ok()) return self->Finish(status);
      self->StartSearch();
    });
  }

  void Finish(absl::StatusOr<SearchReply> reply) { done_(std::move(reply)); }

 private:
  absl::Status FindIndex() {
    index_ = nullptr;
    if (!call_.index_version.empty()) {
      index_ = snapshot_->FindIndex(call_.index_version);
      if (index_ == nullptr) return NotHere(*snapshot_, call_.index_version);
      if (!index_->ready) return NotReadyYet(call_.index_version);
    }
    SetOptions();
    return absl::OkStatus();
  }

  // The rows that pass, and how they are searched.
  absl::Status ApplyFilter() {
    const Deadline before = runner_.parts_.clock->Now();
    KITH_ASSIGN_OR_RETURN(filter_rows_,
                          runner_.filters_.Find(runner_.parts_, *call_.filter, snapshot_));
    KITH_RETURN_IF_ERROR(FindIndex());  // in the snapshot that the rows are of
    filter_ns_ = NanosecondsBetween(before, runner_.parts_.clock->Now());
    const FilteredRows rows = {
        filter_rows_->count(), snapshot_->live_points,
        index_ == nullptr ? 0 : index_->version->lists(), options_.nprobe,
        runner_.exact_rows_.value_or(FilterExactRows(runner_.parts_.vector_bytes))};
    const FilteredSearch search = PlanFiltered(rows);
    options_.exact = options_.exact || search.is_exact;
    if (options_.exact) return absl::OkStatus();
    allowed_lists_ = filter_rows_->ListsOf(*index_);
    if (!call_.widens) return absl::OkStatus();
    options_.passing_rows = WantedIn(search, rows, allowed_lists_->empty_share());
    options_.passing_share = search.share;
    return absl::OkStatus();
  }

  // Asks the card first where there is one; what is compared exactly has no codes to look at.
  void StartSearch() {
    if (runner_.card_ == nullptr || options_.exact || call_.count == 0) return StartRuns();
    CardJob job;
    job.parts = &runner_.parts_;
    job.version = index_->version->hash;
    job.filter = {filter_rows_, allowed_lists_, snapshot_};
    const size_t query_bytes = call_.queries.size() / call_.count;
    for (uint32_t i = 0; i < call_.count; ++i) {
      questions_.push_back({call_.queries.data() + i * query_bytes, &options_});
    }
    job.questions = questions_;
    job.done = [self = shared_from_this()](CardReply reply) { self->OnCard(std::move(reply)); };
    runner_.card_->Submit(std::move(job));
  }

  void OnCard(CardReply reply) {
    if (reply.answers.empty() && !reply.fault.empty() && runner_.card_->is_required()) {
      return Finish(Error(absl::StatusCode::kFailedPrecondition, reason::kGpuRequired,
                          fmt::format("search.require_gpu is set, and the card does not serve "
                                      "this index: {}",
                                      reply.fault)));
    }
    if (!reply.answers.empty()) {
      snapshot_ = reply.snapshot;
      index_ = reply.index;
    }
    of_card_ = std::move(reply);
    StartRuns();
  }

  bool IsCancelled() const {
    return call_.cancelled != nullptr && call_.cancelled->load(std::memory_order_relaxed);
  }

  // A part of the call, to the queue.
  QueuedWork Work(uint32_t queries) const {
    const bool is_exact = options_.exact || call_.exact || call_.index_version.empty();
    return {runner_.flow_, call_.priority, is_exact ? WorkKind::kExact : WorkKind::kLists, queries,
            deadline_};
  }

  void StartRuns() {
    if (call_.count == 0) return Finish(Reply());
    // A few queries a run, whose steps take turns; of many, runs enough that no thread ends early.
    const auto threads = static_cast<uint32_t>(runner_.queue_.threads());
    const uint32_t share = (call_.count + threads - 1) / threads;
    const uint32_t per_run = std::max(std::min(share, kQueriesOfRun), share / 4);
    const uint32_t runs = (call_.count + per_run - 1) / per_run;
    left_.store(runs, std::memory_order_relaxed);
    found_.resize(runs);
    for (uint32_t run = 0; run < runs; ++run) {
      const uint32_t begin = run * per_run;
      const uint32_t end = std::min(call_.count, begin + per_run);
      runner_.queue_.Push(Work(end - begin),
                          [self = shared_from_this(), run, begin, end](Turn turn) {
                            self->TakeTurn(turn, self->found_[run], begin, end);
                          });
    }
  }

  void SetOptions() {
    options_.limit = call_.limit;
    options_.nprobe = std::max<uint32_t>(1, call_.nprobe);
    if (index_ != nullptr) options_.nprobe = std::min(options_.nprobe, index_->version->lists());
    options_.refine = call_.refine;
    options_.rerank = call_.rerank;
    if (call_.stop_ratio != 0) options_.stop_ratio = call_.stop_ratio;
    options_.exact = call_.exact || index_ == nullptr;
    if (call_.score_bound.has_value()) {
      options_.rank_bound = RankFromScore(runner_.parts_.spec.metric, *call_.score_bound);
    }
    if (call_.after.has_value()) {
      options_.after = index::RankPlace{
          RankFromScore(runner_.parts_.spec.metric, call_.after->score), call_.after->key};
    }
    options_.expired = [this] { return runner_.parts_.clock->Now() >= deadline_; };
  }

  // The hits of one run, query after query.
  struct Found {
    std::string keys;
    std::vector<uint64_t> versions;
  };

  void Run(Found& found, uint32_t begin, uint32_t end) {
    queue_ns_.fetch_add(NanosecondsBetween(begun_, runner_.parts_.clock->Now()),
                        std::memory_order_relaxed);
    WorkspacePool::Lease workspace(runner_.workspaces_);
    index::IndexView view = snapshot_->View(runner_.parts_.spec, index_);
    if (filter_rows_ != nullptr) view.allowed = filter_rows_->words();
    view.allowed_lists = allowed_lists_.get();
    const index::Status status = of_card_.answers.empty()
                                     ? SearchHere(view, *workspace, begin, end)
                                     : FinishCard(view, *workspace, begin, end);
    const absl::Status identified =
        status.ok() ? Identify(std::span(answers_).subspan(begin, end - begin), found)
                    : FromIndex(status);
    if (!identified.ok()) Refuse(identified);
    EndRun();
  }

  // Late, it is not begun; but where other runs of the call were, what they found is part of an
  // answer, and this one ends by itself with nothing compared.
  void TakeTurn(Turn turn, Found& found, uint32_t begin, uint32_t end) {
    if (IsCancelled()) {
      Refuse(absl::CancelledError("the caller went away while the call waited"));
      return EndRun();
    }
    if (turn == Turn::kExpired && !has_begun_.load(std::memory_order_acquire)) {
      Refuse(TooLate());
      return EndRun();
    }
    has_begun_.store(true, std::memory_order_release);
    Run(found, begin, end);
  }

  index::Status SearchHere(const index::IndexView& view, index::SearchWorkspace& workspace,
                           uint32_t begin, uint32_t end) {
    const size_t query_bytes = call_.queries.size() / call_.count;
    const index::QueryBatch queries = {view, call_.queries.data() + begin * query_bytes,
                                       query_bytes};
    index::SearchOptions options = options_;
    options.expired = [this, asks = 0u]() mutable {
      return asks++ % kAsksALook == 0 && runner_.parts_.clock->Now() >= deadline_;
    };
    return index::SearchBatch(queries, options, workspace,
                              std::span(answers_).subspan(begin, end - begin));
  }

  index::Status FinishCard(const index::IndexView& view, index::SearchWorkspace& workspace,
                           uint32_t begin, uint32_t end) {
    index::gpu::CardFinisher finisher(workspace);
    for (uint32_t i = begin; i < end; ++i) {
      const index::Status status =
          finisher.Finish({view, *of_card_.scope}, questions_[i], of_card_.answers[i], answers_[i]);
      if (!status.ok()) return status;
      answers_[i].work.scan_ns += of_card_.card_ns / call_.count;
    }
    return {};
  }

  // Whose rows they are. Their records lie far apart: all are fetched before the first is read.
  // What leaves is checked, where it costs a few records: the mapped bytes may have gone bad since
  // the start, and nobody below looks at more of them than a comparison needs.
  absl::Status Identify(std::span<const index::SearchAnswer> answers, Found& found) const {
    const RowTable table = snapshot_->rows.Table(snapshot_->row_end);
    size_t hits = 0;
    for (const index::SearchAnswer& answer : answers) {
      hits += answer.hits.size();
      for (const index::Hit& hit : answer.hits) {
        index::PrefetchAll(table.Record(hit.row),
                           std::min<size_t>(table.stride, kRecordBytesAhead));
      }
    }
    found.keys.reserve(hits * PointKey::kSize);
    found.versions.reserve(hits);
    for (const index::SearchAnswer& answer : answers) {
      for (const index::Hit& hit : answer.hits) {
        const RowHeader& header = table.Header(hit.row);
        if (!storage::IsWholeRecord(table.Record(hit.row), table.stride, hit.row)) {
          return RowIsDamaged(hit.row);
        }
        found.keys.append(reinterpret_cast<const char*>(header.key), PointKey::kSize);
        found.versions.push_back(header.version);
      }
    }
    return absl::OkStatus();
  }

  absl::Status RowIsDamaged(uint32_t row) const {
    CopyParts& parts = runner_.parts_;
    parts.suspects.Add(row);
    return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                 fmt::format("row {} of {}/rows is damaged; it is written again from the truth: "
                             "retry",
                             row, parts.directory),
                 {{kRetryAfterMsFact, "500"}});
  }

  void Refuse(absl::Status status) {
    std::lock_guard lock(mutex_);
    if (refusal_.ok()) refusal_ = std::move(status);
  }

  void EndRun() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const absl::Status refusal = [this] {
      std::lock_guard lock(mutex_);
      return refusal_;
    }();
    if (!refusal.ok()) return Finish(refusal);
    Finish(Reply());
  }

  SearchReply Reply() {
    SearchReply reply;
    for (const auto& [hits, work] : answers_) {
      reply.counts.push_back(static_cast<uint32_t>(hits.size()));
      for (const index::Hit& hit : hits) {
        reply.scores.push_back(ScoreFromRank(runner_.parts_.spec.metric, hit.rank));
      }
    }
    for (Found& found : found_) {  // of one run, as a rule: nothing is copied
      if (reply.versions.empty()) {
        reply.keys = std::move(found.keys);
        reply.versions = std::move(found.versions);
        continue;
      }
      reply.keys.append(found.keys);
      reply.versions.insert(reply.versions.end(), found.versions.begin(), found.versions.end());
    }
    reply.live_points = snapshot_->live_points;
    reply.lsn = snapshot_->lsn;
    if (filter_rows_ != nullptr) {
      reply.filter_points = filter_rows_->count();
      reply.filter_strategy = options_.exact ? FilterStrategy::kExact : FilterStrategy::kLists;
    }
    for (const index::SearchAnswer& answer : answers_) {
      reply.nprobe = std::max(reply.nprobe, static_cast<uint32_t>(answer.work.lists_probed));
    }
    AddWork(reply);
    return reply;
  }

  void AddWork(SearchReply& reply) const {
    index::SearchWork sum;
    for (const index::SearchAnswer& answer : answers_) sum.Add(answer.work);
    reply.points_within = sum.rows_within;
    reply.queries_crowded = static_cast<uint32_t>(sum.crowded);
    reply.codes_planned = sum.codes_planned;
    reply.codes_done = sum.codes_done;
    reply.work = {sum.lists_probed, sum.rows_scanned, sum.rows_exact, sum.rows_refined,
                  sum.rows_reranked};
    reply.stages = {queue_ns_.load(std::memory_order_relaxed),
                    sum.coarse_ns,
                    sum.scan_ns,
                    sum.refine_ns,
                    sum.rerank_ns,
                    NanosecondsBetween(begun_, runner_.parts_.clock->Now()),
                    filter_ns_};
  }

  SearchRunner& runner_;
  const SearchCall call_;
  const Deadline deadline_;
  Done<SearchReply> done_;
  const Deadline begun_;
  std::shared_ptr<const Snapshot> snapshot_;
  const BuiltIndex* index_ = nullptr;
  std::shared_ptr<const FilterRows> filter_rows_;  // null: no filter
  std::shared_ptr<const index::AllowedLists> allowed_lists_;
  uint64_t filter_ns_ = 0;
  index::SearchOptions options_;
  std::vector<index::gpu::CardQuestion> questions_;  // where there is a card
  CardReply of_card_;
  std::vector<index::SearchAnswer> answers_;
  std::vector<Found> found_;  // of each run
  std::atomic<uint32_t> left_{0};
  std::atomic<bool> has_begun_{false};
  std::atomic<uint64_t> queue_ns_{0};
  std::mutex mutex_;
  absl::Status refusal_;  // guarded by mutex_
};

void SearchRunner::Search(SearchCall call, Deadline deadline, Done<SearchReply> done) {
  auto batch = std::make_shared<Batch>(*this, std::move(call), deadline, std::move(done));
  if (absl::Status status = batch->Prepare(); !status.ok()) return batch->Finish(status);
  batch->Start();
}

}  // namespace kith::shard
