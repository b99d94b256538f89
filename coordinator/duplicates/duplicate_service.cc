#include "coordinator/duplicates/duplicate_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/memory.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/search/query_check.h"

namespace kith::coordinator {
namespace {

// As the searches of the run will be checked, so that what is wrong with it is said at once.
absl::Status CheckCall(const DuplicatesCall& call, const CollectionRecord& record) {
  if (call.max_distance.has_value() == call.min_score.has_value()) {
    return FieldError("max_distance", reason::kBadRequest,
                      "or min_score (inner product, cosine) says what a duplicate is: name one");
  }
  SearchQuery query;
  query.parameters.max_distance = call.max_distance;
  query.parameters.min_score = call.min_score;
  query.parameters.target_recall = call.target_recall;
  query.parameters.exact = call.exact;
  const absl::Status status = CheckSearch(query, record);
  // There the fields are those of `parameters`; the message begins with the field.
  constexpr std::string_view kPrefix = "parameters.";
  const std::string field = FactOf(status, kFieldFact).value_or("");
  if (field.rfind(kPrefix, 0) != 0) return status;
  return FieldError(field.substr(kPrefix.size()), ReasonOf(status),
                    std::string(status.message()).substr(field.size() + 2));
}

// Where the next page begins, bound to the operation.
std::string TokenOf(const std::string& operation, size_t begin) {
  const std::string bound = fmt::format("{}/{}", operation, begin);
  return fmt::format("{}-{:016x}", begin, XXH3_64bits(bound.data(), bound.size()));
}

absl::StatusOr<size_t> BeginOf(const ListDuplicatesCall& call, size_t clusters) {
  if (call.page_token.empty()) return size_t{0};
  uint64_t begin = 0;
  const std::string number = call.page_token.substr(0, call.page_token.find('-'));
  const bool is_number = absl::SimpleAtoi(number, &begin);
  if (is_number && begin < clusters && call.page_token == TokenOf(call.operation, begin)) {
    return static_cast<size_t>(begin);
  }
  return FieldError("page_token", reason::kBadPageToken,
                    "is no page token of this operation's clusters; begin again without one");
}

}  // namespace

absl::StatusOr<Operation> DuplicateService::Start(DuplicatesCall call) {
  KITH_ASSIGN_OR_RETURN(const auto entry, parts_.map.Find(call.collection));
  call.collection = entry->record.name;  // an alias may move while the operation runs
  KITH_RETURN_IF_ERROR(CheckCall(call, entry->record));
  KITH_ASSIGN_OR_RETURN(const auto operation,
                        parts_.operations.Begin(kDuplicatesKind, call.collection));
  const bool posted = jobs_.Post([this, operation, call, entry] { Run(call, *entry, *operation); });
  if (posted) return operation->Snapshot();
  const absl::Status full = Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                                  "too many searches for duplicates wait: try again when one has "
                                  "ended",
                                  {{kRetryAfterMsFact, "10000"}});
  operation->Finish(full, "");
  return full;
}

void DuplicateService::Run(const DuplicatesCall& call, const CollectionEntry& entry,
                           RunningOperation& operation) {
  const std::string id = operation.Snapshot().id;
  const DuplicateSources sources{parts_.scroll, parts_.search, parts_.clock, kDuplicatePointsMax,
                                 std::chrono::milliseconds(200)};
  auto found = FindDuplicates(sources, call, entry.LivePoints(), operation);
  ReturnFreeMemory();
  if (!found.ok()) {
    spdlog::warn("event=duplicates_ended collection={} operation={} error={}", call.collection, id,
                 telemetry::LogValue(found.status().ToString()));
    return operation.Finish(found.status(), "");
  }
  const DuplicatesOutcome outcome = found->outcome;
  {
    std::lock_guard lock(mutex_);
    kept_.push_back(
        {id, entry.record.metric, std::make_shared<const DuplicatesFound>(*std::move(found))});
    if (kept_.size() > kDuplicateResultsKept) kept_.pop_front();
  }
  operation.NoteDuplicates(outcome);
  spdlog::info("event=duplicates_ended collection={} operation={} clusters={} points={}",
               call.collection, id, outcome.clusters, outcome.points);
  operation.Finish(absl::OkStatus(),
                   fmt::format("{} clusters of {} points", outcome.clusters, outcome.points));
}

absl::StatusOr<DuplicatesPage> DuplicateService::List(const ListDuplicatesCall& call) {
  if (call.limit == 0 || call.limit > kDuplicatePageMax) {
    return FieldError("limit", reason::kLimitOutOfRange,
                      fmt::format("is {}, must be from 1 to {}", call.limit, kDuplicatePageMax));
  }
  KITH_RETURN_IF_ERROR(parts_.operations.Get(call.operation).status());
  DuplicatesPage page;
  {
    std::lock_guard lock(mutex_);
    const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) {
      return one.operation == call.operation;
    });
    if (kept == kept_.end()) {
      return Error(absl::StatusCode::kNotFound, reason::kOperationNotFound,
                   fmt::format("operation {} has no clusters: it has not succeeded (yet), or the "
                               "{} newest results made theirs go; find them again",
                               call.operation, kDuplicateResultsKept));
    }
    page.found = kept->found;
    page.metric = kept->metric;
  }
  const auto& clusters = page.found->clusters;
  KITH_ASSIGN_OR_RETURN(page.begin, BeginOf(call, clusters.size()));
  size_t points = 0;
  page.end = page.begin;
  while (page.end < clusters.size() && page.end - page.begin < call.limit) {
    points += clusters[page.end].size();
    if (page.end > page.begin && points > kDuplicatePagePointsMax) break;
    ++page.end;
  }
  if (page.end < clusters.size()) page.next_page_token = TokenOf(call.operation, page.end);
  return page;
}

}  // namespace kith::coordinator
