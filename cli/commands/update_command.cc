#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/client/connection.h"
#include "cli/client/wire.h"
#include "cli/commands/collection_text.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

struct UpdateOptions {
  std::string endpoint;
  std::string name;
  std::optional<std::string> description;
  std::optional<double> target_recall;
  std::optional<uint64_t> expected_points;
  std::optional<uint32_t> lists;
  std::optional<uint32_t> subspaces;
  std::optional<uint32_t> plane_b_bytes;
  std::string etag;
  std::string json;
};

// What was given is what is to change.
v1::UpdateCollectionRequest RequestOf(const UpdateOptions& options) {
  v1::UpdateCollectionRequest request;
  request.set_collection(options.name);
  request.set_etag(options.etag);
  v1::IndexParameters& index = *request.mutable_index();
  const auto take = [&](const char* path, const auto& value, auto set) {
    if (!value.has_value()) return;
    request.mutable_update_mask()->add_paths(path);
    set(*value);
  };
  take("description", options.description, [&](const auto& v) { request.set_description(v); });
  take("index.target_recall", options.target_recall, [&](double v) { index.set_target_recall(v); });
  take("index.expected_points", options.expected_points,
       [&](uint64_t v) { index.set_expected_points(v); });
  take("index.lists", options.lists, [&](uint32_t v) { index.set_lists(v); });
  take("index.subspaces", options.subspaces, [&](uint32_t v) { index.set_subspaces(v); });
  take("index.plane_b_bytes", options.plane_b_bytes,
       [&](uint32_t v) { index.set_plane_b_bytes(v); });
  return request;
}

absl::Status Update(const UpdateOptions& options, Terminal& terminal) {
  const v1::UpdateCollectionRequest request = RequestOf(options);
  if (request.update_mask().paths().empty()) {
    return UsageError("--description", "or another of the options says what is to change");
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::Collection answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->UpdateCollection(context, request, &answer);
  }));
  if (options.json != "-") PrintCollection(answer, terminal);
  return WriteJson(ToJson(answer), options.json, terminal);
}

}  // namespace

void AddUpdateCommand(CLI::App& group, Action& action) {
  auto options = std::make_shared<UpdateOptions>();
  CLI::App* update = group.add_subcommand("update", "Change what a collection says of itself");
  update->add_option("NAME", options->name, "The collection")->required();
  AddEndpoint(*update, options->endpoint);
  update->add_option("--description", options->description, "For people, 1,024 bytes at most");
  update->add_option("--target-recall", options->target_recall,
                     "recall@10 that searches aim at from now on; 0: 0.95");
  update->add_option("--expected-points", options->expected_points,
                     "Points that there will be, for the next training; 0: those that are there");
  update->add_option("--lists", options->lists, "Of the next training; 0: chosen");
  update->add_option("--subspaces", options->subspaces, "Of the next training; 0: chosen");
  update->add_option("--plane-b-bytes", options->plane_b_bytes, "Of the next training; 0: chosen");
  update->add_option("--etag", options->etag,
                     "Only if the collection still has it (kith collection get)");
  AddJson(*update, options->json);
  update->footer("Example:\n  kith collection update faces --target-recall 0.99");
  OnParsed(*update, action, options, Update);
}

}  // namespace kith::cli
