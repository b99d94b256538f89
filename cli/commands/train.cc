#include "cli/commands/train.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/follow_operation.h"
#include "cli/client/wire.h"
#include "cli/commands/index_text.h"
#include "cli/console/interrupt.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kServingWait{60};

absl::StatusOr<v1::Operation> Start(const TrainOptions& options,
                                    const std::shared_ptr<grpc::Channel>& channel) {
  v1::TrainIndexRequest request;
  request.set_collection(options.collection);
  request.mutable_index()->set_lists(options.lists);
  request.mutable_index()->set_subspaces(options.subspaces);
  request.mutable_index()->set_plane_b_bytes(options.plane_b_bytes);
  request.mutable_index()->set_target_recall(options.target_recall);
  request.mutable_index()->set_expected_points(options.expected_points);
  request.set_seed(options.seed);
  if (options.no_promote) request.set_auto_promote(false);
  if (options.min_recall_gain) request.set_min_recall_gain(*options.min_recall_gain);
  const auto stub = v1::Collections::NewStub(channel);
  v1::Operation operation;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->TrainIndex(context, request, &operation);
  }));
  return operation;
}

absl::StatusOr<v1::Collection> WaitUntilServing(const std::shared_ptr<grpc::Channel>& channel,
                                                const TrainOptions& options,
                                                const std::string& version) {
  const auto deadline = steady_clock::now() + kServingWait;
  while (true) {
    KITH_ASSIGN_OR_RETURN(v1::Collection collection, FetchCollection(channel, options.collection));
    const bool serves = version.empty() ? !collection.serving_version().empty()
                                        : collection.serving_version() == version;
    if (serves) return collection;
    if (steady_clock::now() > deadline) {
      return absl::DeadlineExceededError(fmt::format(
          "the training succeeded with version {}, but {} still serves {}", version,
          options.collection,
          collection.serving_version().empty() ? "none" : collection.serving_version()));
    }
    std::this_thread::sleep_for(kPoll);
  }
}

// A server that does not say so promotes what it trains.
bool IsPromoted(const v1::Operation& operation) {
  return !operation.has_promoted() || operation.promoted();
}

void PrintOutcome(const v1::Operation& operation, const v1::Collection& collection,
                  const std::string& duration, Terminal& terminal) {
  const std::string& name = collection.collection();
  if (IsPromoted(operation)) {
    terminal.out << fmt::format("{} serves index version {} after {}\n", name,
                                collection.serving_version(), duration);
  } else {
    terminal.out << fmt::format(
        "index version {} waits after {}: {}\n  `kith index promote {} {}` makes it serve\n",
        operation.result(), duration, operation.not_promoted_reason(), name, operation.result());
  }
  for (const std::string& sentence : operation.chosen()) {
    terminal.out << fmt::format("  {}\n", sentence);
  }
  if (operation.has_comparison()) PrintComparison(operation.comparison(), terminal);
  if (!IsPromoted(operation)) return;
  for (const v1::RecallPoint& point : collection.recall()) {
    terminal.out << fmt::format(
        "  recall@10 {:.4f} at nprobe {}, scanning {:.2f} % of the points\n", point.recall_at_10(),
        point.nprobe(), 100 * point.scanned_share());
  }
}

}  // namespace

absl::Status RunTrain(const TrainOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(v1::Operation operation, Start(options, channel));
  Progress progress("train", terminal);
  KITH_RETURN_IF_ERROR(FollowOperation(channel, interrupt, progress, operation));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        IsPromoted(operation)
                            ? WaitUntilServing(channel, options, operation.result())
                            : FetchCollection(channel, options.collection));
  if (options.json != "-") {
    PrintOutcome(operation, collection, ShortDuration(progress.seconds()), terminal);
  }
  Json json = ToJson(operation);
  json["seconds"] = progress.seconds();
  json["serving"] = ToJson(collection);
  return WriteJson(json, options.json, terminal);
}

}  // namespace kith::cli
