#include "cli/bench/search_caller.h"

#include <fmt/format.h>

#include "cli/client/connection.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

}  // namespace

void SearchTally::SawAnswer(const v1::Coverage& coverage, uint64_t count) {
  queries += count;
  coverage_sum += coverage.ratio() * static_cast<double>(count);
  coverage_min = std::min(coverage_min, coverage.ratio());
}

void SearchTally::Merge(const SearchTally& other) {
  finished = std::max(finished, other.finished);
  if (other.queries == 0) return;
  latencies.Merge(other.latencies);
  queries += other.queries;
  found += other.found;
  coverage_sum += other.coverage_sum;
  coverage_min = std::min(coverage_min, other.coverage_min);
  index_version = other.index_version;
  score_kind = other.score_kind;
}

SearchCaller::SearchCaller(const RecallBenchOptions& options, const QuerySet& queries,
                           const std::shared_ptr<grpc::Channel>& channel)
    : options_(options), queries_(queries), stub_(v1::Search::NewStub(channel)) {
  one_.set_collection(options.collection);
  *one_.mutable_parameters() = ParametersOf(options);
  many_.set_collection(options.collection);
  *many_.mutable_parameters() = ParametersOf(options);
}

absl::Status SearchCaller::Ask(uint64_t first, uint64_t& count, SearchTally& tally) {
  if (options_.batch > 1) return AskBatch(first, count, tally);
  count = 1;
  return AskOne(first, tally);
}

absl::Status SearchCaller::AskOne(uint64_t first, SearchTally& tally) {
  uint64_t count = 1;
  const std::string_view bytes = queries_.Bytes(first, count);
  one_.mutable_vector()->set_data(bytes.data(), bytes.size());
  const auto begin = steady_clock::now();
  KITH_RETURN_IF_ERROR(CallServer(options_.deadline, [&](grpc::ClientContext* context) {
    return stub_->Search(context, one_, &answer_);
  }));
  tally.latencies.Add(steady_clock::now() - begin);
  tally.SawAnswer(answer_.coverage(), 1);
  tally.index_version = answer_.index_version();
  tally.score_kind = answer_.score_kind();
  ids_.clear();
  for (const v1::Hit& hit : answer_.hits()) {
    if (hit.id().id_case() == v1::PointId::kNumber) ids_.push_back(hit.id().number());
  }
  tally.found += queries_.CountFound(first % queries_.size(), ids_);
  return absl::OkStatus();
}

absl::StatusOr<v1::Explanation> SearchCaller::Explain(uint64_t query) {
  one_.mutable_parameters()->set_explain(true);
  SearchTally ignored;
  const absl::Status status = AskOne(query, ignored);
  one_.mutable_parameters()->set_explain(false);
  KITH_RETURN_IF_ERROR(status);
  return answer_.explanation();
}

absl::Status SearchCaller::AskBatch(uint64_t first, uint64_t& count, SearchTally& tally) {
  const std::string_view bytes = queries_.Bytes(first, count);
  many_.set_queries(bytes.data(), bytes.size());
  many_.set_count(static_cast<uint32_t>(count));
  const auto begin = steady_clock::now();
  KITH_RETURN_IF_ERROR(CallServer(options_.deadline, [&](grpc::ClientContext* context) {
    return stub_->SearchBatch(context, many_, &answers_);
  }));
  tally.latencies.Add(steady_clock::now() - begin);
  KITH_RETURN_IF_ERROR(CheckBatch(count));
  tally.SawAnswer(answers_.coverage(), count);
  tally.index_version = answers_.index_version();
  tally.score_kind = answers_.score_kind();
  CountBatch(first, count, tally);
  return absl::OkStatus();
}

absl::Status SearchCaller::CheckBatch(uint64_t count) const {
  uint64_t hits = 0;
  for (const uint32_t of_query : answers_.counts()) hits += of_query;
  const auto have =
      static_cast<uint64_t>(answers_.ids().empty() ? answers_.numbers_size() : answers_.ids_size());
  if (static_cast<uint64_t>(answers_.counts_size()) == count && hits == have) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      fmt::format("SearchBatch answered {} counts of {} hits and {} ids for "
                  "{} queries",
                  answers_.counts_size(), hits, have, count));
}

void SearchCaller::CountBatch(uint64_t first, uint64_t count, SearchTally& tally) {
  const bool numbers = answers_.ids().empty();
  int at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ids_.clear();
    const int end = at + static_cast<int>(answers_.counts(static_cast<int>(i)));
    for (; at < end; ++at) {
      if (numbers) {
        ids_.push_back(answers_.numbers(at));
      } else if (answers_.ids(at).id_case() == v1::PointId::kNumber) {
        ids_.push_back(answers_.ids(at).number());
      }
    }
    tally.found += queries_.CountFound((first + i) % queries_.size(), ids_);
  }
}

}  // namespace kith::cli
