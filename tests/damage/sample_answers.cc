#include "tests/damage/sample_answers.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>
#include <optional>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "kith/v1/points.grpc.pb.h"
#include "kith/v1/search.grpc.pb.h"
#include "tests/damage/sample_fill.h"
#include "tests/damage/sample_truth.h"

namespace kith::test {
namespace {

constexpr uint64_t kOfCall = 25;  // so many answers, which share the call's error

// What one kind of searches asks, of `count` queries.
struct Searches {
  const char* kind;
  uint64_t count;
  bool is_exact;    // the answer follows from the points alone
  uint32_t nprobe;  // 0: none named
  bool is_filtered;
  bool with_payload;
};

std::string ErrorText(const grpc::Status& status) {
  google::rpc::Status told;
  google::rpc::ErrorInfo info;
  if (told.ParseFromString(status.error_details())) {
    for (const auto& detail : told.details()) {
      if (detail.UnpackTo(&info)) break;
    }
  }
  std::string message = status.error_message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return fmt::format("error {} {}: {}", static_cast<int>(status.error_code()), info.reason(),
                     message);
}

std::string HashOf(const std::string& bytes) {
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

class Asker {
 public:
  Asker(const std::shared_ptr<grpc::Channel>& channel, const SampleCollection& collection)
      : collection_(collection),
        truth_(collection),
        search_(v1::Search::NewStub(channel)),
        points_(v1::Points::NewStub(channel)) {}

  void Search(const Searches& searches) {
    for (uint64_t begin = 0; begin < searches.count; begin += kOfCall) {
      SearchSome(searches, begin, std::min(searches.count, begin + kOfCall));
    }
  }

  void Get(uint64_t count) {
    for (uint64_t begin = 0; begin < count; begin += kOfCall) {
      GetSome(begin, std::min(count, begin + kOfCall), count);
    }
  }

  void Count(uint64_t count) {
    for (uint64_t number = 0; number < count; ++number) {
      const auto filter =
          collection_.has_fields && number > 0 ? std::optional(number - 1) : std::nullopt;
      v1::CountPointsRequest request;
      request.set_collection(collection_.name);
      if (filter.has_value()) *request.mutable_filter() = SampleFilter(*filter);
      v1::CountPointsResponse response;
      const grpc::Status status = Call([&](grpc::ClientContext* context) {
        return points_->CountPoints(context, request, &response);
      });
      if (!status.ok()) {
        Add("count", number, ErrorText(status), "");
        continue;
      }
      const bool is_right = response.count() == truth_.Count(filter);
      Add("count", number, fmt::format("{}", response.count()), is_right ? "" : "another count");
    }
  }

  std::vector<SampleAnswer> Take() { return std::move(answers_); }

 private:
  template <typename Invoke>
  grpc::Status Call(Invoke invoke) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
    return invoke(&context);
  }

  void Add(const char* kind, uint64_t number, std::string text, std::string problem) {
    answers_.push_back({fmt::format("{} {} {}", collection_.name, kind, number), std::move(text),
                        std::move(problem)});
  }

  void SearchSome(const Searches& searches, uint64_t begin, uint64_t end) {
    v1::SearchBatchRequest request;
    request.set_collection(collection_.name);
    request.set_count(static_cast<uint32_t>(end - begin));
    for (uint64_t number = begin; number < end; ++number) {
      request.mutable_queries()->append(VectorBytes(collection_, SampleQuery(collection_, number)));
    }
    v1::SearchParameters& parameters = *request.mutable_parameters();
    parameters.set_exact(searches.nprobe == 0);
    if (searches.nprobe != 0) {
      parameters.set_nprobe(searches.nprobe);
      parameters.set_refine(searches.is_exact ? 100'000 : 30);
      parameters.set_rerank(searches.is_exact ? 50'000 : 15);
    }
    parameters.set_with_payload(searches.with_payload);
    const auto filter = searches.is_filtered ? std::optional(begin / kOfCall) : std::nullopt;
    if (filter.has_value()) *parameters.mutable_filter() = SampleFilter(*filter);
    v1::SearchBatchResponse response;
    const grpc::Status status = Call([&](grpc::ClientContext* context) {
      return search_->SearchBatch(context, request, &response);
    });
    size_t at = 0;
    for (uint64_t number = begin; number < end; ++number) {
      if (!status.ok()) {
        Add(searches.kind, number, ErrorText(status), "");
        continue;
      }
      TakeHits(searches, number, filter, {response, at});
      at += response.counts(static_cast<int>(number - begin));
    }
  }

  struct HitsAt {
    const v1::SearchBatchResponse& response;
    size_t at;
  };

  void TakeHits(const Searches& searches, uint64_t number, std::optional<uint64_t> filter,
                const HitsAt& from) {
    const v1::SearchBatchResponse& response = from.response;
    std::vector<SampleHit> hits;
    std::string text;
    const uint64_t first = filter.has_value() ? *filter * kOfCall : number / kOfCall * kOfCall;
    const uint32_t count = response.counts(static_cast<int>(number - first));
    for (size_t i = from.at; i < from.at + count; ++i) {
      const auto hit = static_cast<int>(i);
      hits.push_back({response.numbers(hit), response.scores(hit)});
      text += fmt::format(" {}:{}:{:08x}", hits.back().id, response.versions(hit),
                          std::bit_cast<uint32_t>(hits.back().score));
      if (searches.with_payload) text += ":" + HashOf(response.payloads(hit));
    }
    std::string problem;
    if (searches.is_exact) {
      problem = truth_.CheckSearch(SampleQuery(collection_, number), filter, hits);
    }
    Add(searches.kind, number, std::move(text), std::move(problem));
  }

  void GetSome(uint64_t begin, uint64_t end, uint64_t count) {
    // Spread over all ids, those deleted and a few that never were among them.
    const auto id_of = [&](uint64_t number) {
      return number * (SampleEnd(collection_) + 5) / count;
    };
    v1::GetPointsRequest request;
    request.set_collection(collection_.name);
    request.set_with_vector(true);
    request.set_with_payload(true);
    for (uint64_t number = begin; number < end; ++number) {
      request.add_ids()->set_number(id_of(number));
    }
    v1::GetPointsResponse response;
    const grpc::Status status = Call([&](grpc::ClientContext* context) {
      return points_->GetPoints(context, request, &response);
    });
    std::map<uint64_t, const v1::StoredPoint*> found;
    for (const v1::StoredPoint& point : response.points()) found[point.id().number()] = &point;
    for (uint64_t number = begin; number < end; ++number) {
      if (!status.ok()) {
        Add("get", number, ErrorText(status), "");
        continue;
      }
      const auto point = found.find(id_of(number));
      if (point == found.end()) {
        Add("get", number, "missing", truth_.CheckPoint(id_of(number), nullptr));
        continue;
      }
      Add("get", number,
          fmt::format("{} {} {}", point->second->version(), HashOf(point->second->vector().data()),
                      HashOf(point->second->payload())),
          truth_.CheckPoint(id_of(number), point->second));
    }
  }

  const SampleCollection& collection_;
  const SampleTruth truth_;
  const std::unique_ptr<v1::Search::Stub> search_;
  const std::unique_ptr<v1::Points::Stub> points_;
  std::vector<SampleAnswer> answers_;
};

constexpr uint32_t kAllLists = 1'000'000;

}  // namespace

std::vector<SampleAnswer> AskSample(const std::shared_ptr<grpc::Channel>& channel,
                                    const std::vector<SampleCollection>& collections) {
  std::vector<SampleAnswer> all;
  for (const SampleCollection& collection : collections) {
    Asker asker(channel, collection);
    asker.Search({"exact", 75, true, 0, false, true});
    if (collection.is_trained) {
      asker.Search({"all lists", 100, true, kAllLists, false, false});
      asker.Search({"few lists", 75, false, 2, false, false});
      asker.Search({"filtered", 100, true, 0, true, true});
    }
    asker.Get(collection.is_trained ? 75 : 64);
    asker.Count(collection.has_fields ? 5 : 1);
    std::vector<SampleAnswer> answers = asker.Take();
    all.insert(all.end(), std::make_move_iterator(answers.begin()),
               std::make_move_iterator(answers.end()));
  }
  return all;
}

}  // namespace kith::test
