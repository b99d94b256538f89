#include "cli/bench/agreement_bench.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/bench/query_set.h"
#include "cli/bench/search_caller.h"
#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

// One of the two servers. Threads: one at a time.
class Side {
 public:
  static absl::StatusOr<Side> Open(const RecallBenchOptions& options) {
    KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
    KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                          FetchCollection(channel, options.collection));
    KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
    Side side;
    side.schema_ = schema;
    side.deadline_ = options.deadline;
    side.stub_ = v1::Search::NewStub(channel);
    side.request_.set_collection(options.collection);
    *side.request_.mutable_parameters() = ParametersOf(options);
    return side;
  }

  const VectorSchema& schema() const { return schema_; }

  absl::StatusOr<v1::SearchResponse> Ask(std::string_view query) {
    request_.mutable_vector()->set_data(query.data(), query.size());
    v1::SearchResponse answer;
    KITH_RETURN_IF_ERROR(CallServer(deadline_, [&](grpc::ClientContext* context) {
      return stub_->Search(context, request_, &answer);
    }));
    return answer;
  }

 private:
  VectorSchema schema_;
  std::chrono::milliseconds deadline_{};
  std::unique_ptr<v1::Search::Stub> stub_;
  v1::SearchRequest request_;
};

std::vector<uint64_t> NumbersOf(const v1::SearchResponse& answer) {
  std::vector<uint64_t> numbers;
  for (const v1::Hit& hit : answer.hits()) {
    if (hit.id().id_case() == v1::PointId::kNumber) numbers.push_back(hit.id().number());
  }
  return numbers;
}

// Sums over queries; Report divides.
struct Tally {
  uint64_t queries = 0;
  uint64_t found = 0;
  uint64_t other_found = 0;
  uint64_t hits = 0;
  uint64_t shared = 0;
  AgreementReport report;

  void Compare(const v1::SearchResponse& one, const v1::SearchResponse& other) {
    std::map<std::string, float> scores;
    for (const v1::Hit& hit : other.hits()) scores.emplace(IdText(hit.id()), hit.score());
    bool identical = one.hits_size() == other.hits_size();
    for (int i = 0; i < one.hits_size(); ++i) {
      const std::string id = IdText(one.hits(i).id());
      identical = identical && id == IdText(other.hits(i).id());
      const auto match = scores.find(id);
      if (match == scores.end()) continue;
      ++shared;
      if (std::bit_cast<uint32_t>(match->second) != std::bit_cast<uint32_t>(one.hits(i).score())) {
        ++report.score_mismatches;
      }
    }
    hits += static_cast<uint64_t>(one.hits_size());
    if (identical) ++report.identical;
    ++queries;
  }

  AgreementReport Report(uint32_t k) {
    const double wanted = static_cast<double>(std::max<uint64_t>(1, queries)) * k;
    report.queries = queries;
    report.recall = static_cast<double>(found) / wanted;
    report.other_recall = static_cast<double>(other_found) / wanted;
    report.shared = static_cast<double>(shared) / static_cast<double>(std::max<uint64_t>(1, hits));
    return report;
  }
};

RecallBenchOptions OtherSide(const AgreementOptions& options) {
  RecallBenchOptions other = options.first;
  other.endpoint = options.other_endpoint;
  if (!options.other_collection.empty()) other.collection = options.other_collection;
  return other;
}

}  // namespace

absl::StatusOr<AgreementReport> RunAgreementBench(const AgreementOptions& options,
                                                  Terminal& terminal) {
  const RecallBenchOptions& first = options.first;
  KITH_ASSIGN_OR_RETURN(Side one, Side::Open(first));
  KITH_ASSIGN_OR_RETURN(Side other, Side::Open(OtherSide(options)));
  if (one.schema().dimension != other.schema().dimension ||
      one.schema().element_type != other.schema().element_type) {
    return UsageError("--other-collection", "holds vectors of another shape than --collection");
  }
  KITH_ASSIGN_OR_RETURN(
      const QuerySet queries,
      QuerySet::Load({first.queries, first.truth, first.k, first.first_id}, one.schema()));
  const uint64_t count = first.count == 0 ? queries.size() : std::min(first.count, queries.size());
  Progress progress("bench agree", terminal);
  Tally tally;
  const auto state = [&] {
    return Progress::State{static_cast<double>(tally.queries) / static_cast<double>(count),
                           WithThousands(tally.queries) + " queries"};
  };
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t single = 1;
    const std::string_view query = queries.Bytes(i, single);
    KITH_ASSIGN_OR_RETURN(const v1::SearchResponse answer, one.Ask(query));
    KITH_ASSIGN_OR_RETURN(const v1::SearchResponse other_answer, other.Ask(query));
    tally.Compare(answer, other_answer);
    tally.found += queries.CountFound(i, NumbersOf(answer));
    tally.other_found += queries.CountFound(i, NumbersOf(other_answer));
    progress.Update(state());
  }
  progress.Finish(state());
  return tally.Report(first.k);
}

Json ToJson(const AgreementReport& report, const AgreementOptions& options) {
  return {{"queries", report.queries},
          {"k", options.first.k},
          {"exact", options.first.exact},
          {"recall", report.recall},
          {"other_recall", report.other_recall},
          {"identical", report.identical},
          {"shared", report.shared},
          {"score_mismatches", report.score_mismatches}};
}

}  // namespace kith::cli
