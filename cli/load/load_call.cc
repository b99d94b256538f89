#include "cli/load/load_call.h"

#include <fmt/format.h>
#include <grpcpp/support/async_unary_call.h>

#include <vector>

#include "cli/client/rpc_error.h"

namespace kith::cli {
namespace {

// Of so many answers one is compared with the truth: enough of them, and hardly any work.
constexpr uint64_t kRecallSampleEvery = 4;

v1::SearchParameters ParametersFor(const LoadOptions& options) {
  v1::SearchParameters parameters = ParametersOf(options.search);
  parameters.set_min_coverage(options.min_coverage);
  return parameters;
}

class SearchLoadCall final : public LoadCall {
 public:
  SearchLoadCall(const LoadOptions& options, const LoadTraffic& traffic)
      : k_(options.search.k), traffic_(traffic) {
    request_.set_collection(options.collection);
    *request_.mutable_parameters() = ParametersFor(options);
  }

  void Prepare(uint64_t sequence) override {
    sequence_ = sequence;
    uint64_t count = 1;
    const std::string_view bytes = traffic_.queries.Bytes(sequence, count);
    request_.mutable_vector()->set_data(bytes.data(), bytes.size());
  }

 private:
  void Start(LoadConnection& connection, grpc::ClientContext* context,
             grpc::CompletionQueue* queue) override {
    reader_ = connection.search->AsyncSearch(context, request_, queue);
    reader_->Finish(&answer_, &status_, this);
  }

  void ReadAnswer(CallOutcome& outcome) override {
    outcome.is_search = true;
    outcome.items = 1;
    outcome.coverage = answer_.coverage().ratio();
    if (!traffic_.queries.has_truth() || !IsSampled(sequence_)) return;
    std::vector<uint64_t> ids;
    for (const v1::Hit& hit : answer_.hits()) {
      if (hit.id().id_case() == v1::PointId::kNumber) ids.push_back(hit.id().number());
    }
    outcome.true_wanted = k_;
    outcome.true_found = traffic_.queries.CountFound(sequence_ % traffic_.queries.size(), ids);
  }

  // Another quarter of the queries each time round.
  bool IsSampled(uint64_t sequence) const {
    return (sequence + sequence / traffic_.queries.size()) % kRecallSampleEvery == 0;
  }

  const uint32_t k_;
  const LoadTraffic& traffic_;
  uint64_t sequence_ = 0;
  v1::SearchRequest request_;
  v1::SearchResponse answer_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SearchResponse>> reader_;
};

class BatchLoadCall final : public LoadCall {
 public:
  BatchLoadCall(const LoadOptions& options, const LoadTraffic& traffic, uint32_t queries)
      : k_(options.search.k), queries_(queries), traffic_(traffic) {
    request_.set_collection(options.collection);
    *request_.mutable_parameters() = ParametersFor(options);
  }

  // A batch that meets the end of the queries goes on with the first.
  void Prepare(uint64_t sequence) override {
    first_ = sequence * queries_;
    request_.clear_queries();
    for (uint64_t done = 0; done < queries_;) {
      uint64_t count = queries_ - done;
      const std::string_view bytes = traffic_.queries.Bytes(first_ + done, count);
      request_.mutable_queries()->append(bytes.data(), bytes.size());
      done += count;
    }
    request_.set_count(queries_);
  }

 private:
  void Start(LoadConnection& connection, grpc::ClientContext* context,
             grpc::CompletionQueue* queue) override {
    reader_ = connection.search->AsyncSearchBatch(context, request_, queue);
    reader_->Finish(&answer_, &status_, this);
  }

  void ReadAnswer(CallOutcome& outcome) override {
    outcome.is_search = true;
    outcome.items = queries_;
    outcome.coverage = answer_.coverage().ratio();
    if (static_cast<uint32_t>(answer_.counts_size()) != queries_) {
      outcome.status = absl::InternalError(
          fmt::format("{} counts for {} queries", answer_.counts_size(), queries_));
      return;
    }
    // The first query of each batch is the sample.
    const auto hits = static_cast<int>(answer_.counts(0));
    if (!traffic_.queries.has_truth() || hits > answer_.numbers_size()) return;
    const std::vector<uint64_t> ids(answer_.numbers().begin(), answer_.numbers().begin() + hits);
    outcome.true_wanted = k_;
    outcome.true_found = traffic_.queries.CountFound(first_ % traffic_.queries.size(), ids);
  }

  const uint32_t k_;
  const uint32_t queries_;
  const LoadTraffic& traffic_;
  uint64_t first_ = 0;
  v1::SearchBatchRequest request_;
  v1::SearchBatchResponse answer_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SearchBatchResponse>> reader_;
};

class UpsertLoadCall final : public LoadCall {
 public:
  UpsertLoadCall(const LoadOptions& options, const LoadTraffic& traffic, uint32_t points)
      : points_(points), rows_(traffic.upserts) {
    request_.set_collection(options.collection);
  }

  // No id twice in a call: a batch ends where the rows do.
  void Prepare(uint64_t sequence) override {
    const uint64_t first = sequence * points_;
    uint64_t count = points_;
    const std::string_view bytes = rows_.Bytes(first, count);
    v1::PointColumns& columns = *request_.mutable_columns();
    columns.set_vectors(bytes.data(), bytes.size());
    columns.clear_numbers();
    for (uint64_t i = 0; i < count; ++i) columns.add_numbers(rows_.IdOf(first, i));
  }

 private:
  void Start(LoadConnection& connection, grpc::ClientContext* context,
             grpc::CompletionQueue* queue) override {
    reader_ = connection.points->AsyncUpsert(context, request_, queue);
    reader_->Finish(&answer_, &status_, this);
  }

  void ReadAnswer(CallOutcome& outcome) override {
    for (const auto& status : answer_.statuses()) outcome.refused += status.code() != 0 ? 1 : 0;
    outcome.items = static_cast<uint64_t>(request_.columns().numbers_size()) - outcome.refused;
  }

  const uint32_t points_;
  const UpsertRows& rows_;
  v1::UpsertRequest request_;
  v1::UpsertResponse answer_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::UpsertResponse>> reader_;
};

}  // namespace

void LoadCall::Arm(std::chrono::milliseconds deadline) {
  context_ = std::make_unique<grpc::ClientContext>();
  context_->set_deadline(std::chrono::system_clock::now() + deadline);
}

void LoadCall::Send(LoadConnection& connection, grpc::CompletionQueue& queue) {
  Start(connection, context_.get(), &queue);
}

CallOutcome LoadCall::Outcome() {
  CallOutcome outcome;
  outcome.status = FromRpcStatus(status_);
  if (outcome.status.ok()) ReadAnswer(outcome);
  return outcome;
}

std::unique_ptr<LoadCall> MakeLoadCall(const LoadOptions& options, const LoadTraffic& traffic,
                                       size_t part) {
  const MixPart& of = options.mix[part];
  std::unique_ptr<LoadCall> call;
  switch (of.kind) {
    case CallKind::kSearch:
      call = std::make_unique<SearchLoadCall>(options, traffic);
      break;
    case CallKind::kSearchBatch:
      call = std::make_unique<BatchLoadCall>(options, traffic, of.items);
      break;
    case CallKind::kUpsert:
      call = std::make_unique<UpsertLoadCall>(options, traffic, of.items);
      break;
  }
  call->part = part;
  return call;
}

}  // namespace kith::cli
