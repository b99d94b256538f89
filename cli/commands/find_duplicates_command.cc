#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "cli/client/connection.h"
#include "cli/client/follow_operation.h"
#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "common/base/status.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::cli {
namespace {

constexpr uint32_t kClustersOfPage = 1000;
constexpr int kIdsPrinted = 10;  // of a cluster; --json has all

struct Options {
  std::string endpoint;
  std::string collection;
  std::optional<double> max_distance, min_score, target_recall;
  bool exact = false;
  std::string json;
};

absl::StatusOr<v1::Operation> Start(v1::Search::Stub& stub, const Options& options) {
  v1::FindDuplicatesRequest request;
  request.set_collection(options.collection);
  if (options.max_distance) request.set_max_distance(*options.max_distance);
  if (options.min_score) request.set_min_score(*options.min_score);
  if (options.target_recall) request.set_target_recall(*options.target_recall);
  request.set_exact(options.exact);
  v1::Operation operation;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub.FindDuplicates(context, request, &operation);
  }));
  return operation;
}

void Print(const v1::DuplicateCluster& cluster, Terminal& terminal) {
  terminal.out << fmt::format("{} points, nearest {:.6g}:", cluster.ids_size(),
                              cluster.nearest_score());
  for (int i = 0; i < std::min(cluster.ids_size(), kIdsPrinted); ++i) {
    terminal.out << " " << IdText(cluster.ids(i));
  }
  terminal.out << (cluster.ids_size() > kIdsPrinted ? " ...\n" : "\n");
}

// Every cluster, page by page.
absl::StatusOr<Json> Clusters(v1::Search::Stub& stub, const Options& options,
                              const v1::Operation& operation, Terminal& terminal) {
  Json clusters = Json::array();
  v1::ListDuplicatesRequest request;
  request.set_operation(operation.id());
  request.set_limit(kClustersOfPage);
  do {
    v1::ListDuplicatesResponse page;
    KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return stub.ListDuplicates(context, request, &page);
    }));
    for (const v1::DuplicateCluster& cluster : page.clusters()) {
      if (options.json != "-") Print(cluster, terminal);
      if (options.json.empty()) continue;
      Json ids = Json::array();
      for (const v1::PointId& id : cluster.ids()) ids.push_back(IdJson(id));
      clusters.push_back({{"ids", std::move(ids)}, {"nearest_score", cluster.nearest_score()}});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return clusters;
}

absl::Status Run(const Options& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Search::NewStub(channel);
  KITH_ASSIGN_OR_RETURN(v1::Operation operation, Start(*stub, options));
  InterruptWatch interrupt;
  Progress progress("find duplicates", terminal);
  KITH_RETURN_IF_ERROR(FollowOperation(channel, interrupt, progress, operation));
  KITH_ASSIGN_OR_RETURN(Json clusters, Clusters(*stub, options, operation, terminal));
  const v1::DuplicatesOutcome& outcome = operation.duplicates();
  if (options.json != "-") {
    terminal.out << fmt::format("{} clusters of {} points; {} points were compared\n",
                                outcome.clusters(), outcome.points(), outcome.points_compared());
    if (outcome.points_crowded() > 0) {
      terminal.out << fmt::format(
          "{} points have more neighbours within than are linked: a smaller distance tells them "
          "apart\n",
          outcome.points_crowded());
    }
    if (outcome.truncated()) {
      terminal.out << "there are more: so many points with a duplicate are kept and no more\n";
    }
  }
  return WriteJson({{"operation", ToJson(operation)}, {"clusters", std::move(clusters)}},
                   options.json, terminal);
}

}  // namespace

void AddFindDuplicatesCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("find-duplicates", "Clusters of points that lie within a distance");
  command->add_option("NAME", options->collection, "The collection")->required();
  AddEndpoint(*command, options->endpoint);
  command->add_option("--max-distance", options->max_distance, "l2: at most this far (squared)");
  command->add_option("--min-score", options->min_score, "ip, cosine: at least this near");
  auto* recall = command->add_option("--target-recall", options->target_recall,
                                     "0.5 to 0.999: share of the pairs to find");
  command->add_flag("--exact", options->exact, "Compare every point with every point")
      ->excludes(recall);
  AddJson(*command, options->json);
  command->footer(
      "Works half of the time, so that searches go on beside it. Ctrl-C ends watching, not the\n"
      "operation.\n"
      "Examples:\n"
      "  kith find-duplicates photos --min-score 0.98\n"
      "  kith find-duplicates sift --max-distance 400 --json duplicates.json");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
