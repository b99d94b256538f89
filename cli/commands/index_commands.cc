#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/client/connection.h"
#include "cli/commands/commands.h"
#include "cli/commands/index_text.h"
#include "cli/console/json_output.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

struct VersionOptions {
  std::string endpoint;
  std::string collection;
  std::string version;
  std::string json;
};

using Versions = v1::ListIndexVersionsResponse;

// The serving version is the first.
std::string ServingOf(const Versions& versions) {
  return versions.versions().empty() ? "" : versions.versions(0).version();
}

// One call that answers with the versions there are afterwards.
template <typename Request, typename Method>
absl::StatusOr<Versions> Ask(const VersionOptions& options, const Request& request, Method method) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  Versions versions;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &versions);
  }));
  return versions;
}

// `said` stands above them.
absl::Status Show(const VersionOptions& options, const Versions& versions, const std::string& said,
                  Terminal& terminal) {
  if (options.json != "-") {
    terminal.out << said;
    PrintVersions(versions, terminal);
  }
  return WriteJson(ToJson(versions), options.json, terminal);
}

absl::Status List(const VersionOptions& options, Terminal& terminal) {
  v1::ListIndexVersionsRequest request;
  request.set_collection(options.collection);
  KITH_ASSIGN_OR_RETURN(const Versions versions,
                        Ask(options, request, &v1::Collections::Stub::ListIndexVersions));
  return Show(options, versions, "", terminal);
}

absl::Status Promote(const VersionOptions& options, Terminal& terminal) {
  v1::PromoteIndexVersionRequest request;
  request.set_collection(options.collection);
  request.set_version(options.version);
  KITH_ASSIGN_OR_RETURN(const Versions versions,
                        Ask(options, request, &v1::Collections::Stub::PromoteIndexVersion));
  return Show(options, versions,
              fmt::format("{} serves index version {}\n", options.collection, ServingOf(versions)),
              terminal);
}

absl::Status Rollback(const VersionOptions& options, Terminal& terminal) {
  v1::RollbackIndexVersionRequest request;
  request.set_collection(options.collection);
  KITH_ASSIGN_OR_RETURN(const Versions versions,
                        Ask(options, request, &v1::Collections::Stub::RollbackIndexVersion));
  return Show(
      options, versions,
      fmt::format("{} serves index version {} again\n", options.collection, ServingOf(versions)),
      terminal);
}

absl::Status Drop(const VersionOptions& options, Terminal& terminal) {
  v1::DropIndexVersionRequest request;
  request.set_collection(options.collection);
  request.set_version(options.version);
  KITH_ASSIGN_OR_RETURN(const Versions versions,
                        Ask(options, request, &v1::Collections::Stub::DropIndexVersion));
  return Show(options, versions,
              fmt::format("dropped index version {} of {}\n", options.version, options.collection),
              terminal);
}

template <typename Run>
CLI::App* Add(CLI::App& group, Action& action, std::pair<const char*, const char*> said, Run run) {
  auto options = std::make_shared<VersionOptions>();
  CLI::App* command = group.add_subcommand(said.first, said.second);
  command->add_option("NAME", options->collection, "The collection")->required();
  if (std::string_view(said.first) == "promote") {
    command->add_option("VERSION", options->version, "The one that waits, where not given");
  } else if (std::string_view(said.first) == "drop") {
    command->add_option("VERSION", options->version, "Any but the serving one")->required();
  }
  AddEndpoint(*command, options->endpoint);
  AddJson(*command, options->json);
  OnParsed(*command, action, options, run);
  return command;
}

}  // namespace

void AddIndexCommands(CLI::App& app, Action& action) {
  CLI::App* group = app.add_subcommand(
      "index", "List, promote, roll back and drop the index versions of a collection");
  group->require_subcommand(1);
  Add(*group, action, {"list", "The versions that the shards hold, and what they measured"}, List)
      ->footer("Example:\n  kith index list faces");
  Add(*group, action,
      {"promote", "Make a version serve, at once; the one before is kept for a rollback"}, Promote)
      ->footer("Example:\n  kith index promote faces");
  Add(*group, action, {"rollback", "Make the version serve again that served before"}, Rollback)
      ->footer("Example:\n  kith index rollback faces");
  Add(*group, action, {"drop", "Free a version that does not serve"}, Drop)
      ->footer("Example:\n  kith index drop faces 0123456789abcdef0123456789abcdef");
}

}  // namespace kith::cli
