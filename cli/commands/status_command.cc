#include <fmt/format.h>

#include <memory>

#include "cli/client/connection.h"
#include "cli/client/wire.h"
#include "cli/commands/collection_text.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/table.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::cli {
namespace {

struct Options {
  std::string endpoint;
  std::string json;
};

void PrintOperations(const v1::ListOperationsResponse& operations, Terminal& terminal) {
  if (operations.operations().empty()) return;
  Table table({"OPERATION", "KIND", "COLLECTION", "STATE", "STAGE", "PROGRESS", "RESULT"});
  for (const v1::Operation& operation : operations.operations()) {
    const bool failed = operation.state() == v1::Operation::STATE_FAILED;
    table.Add({operation.id(), operation.kind(), operation.collection(),
               std::string(StateName(operation.state())), operation.stage(),
               fmt::format("{:.0f}%", 100 * operation.progress()),
               failed ? operation.error_reason() + ": " + operation.error_message()
                      : operation.result()});
  }
  terminal.out << "\n";
  table.Print(terminal.out);
}

void PrintReasons(const v1::ListCollectionsResponse& collections, Terminal& terminal) {
  for (const v1::Collection& collection : collections.collections()) {
    for (const std::string& reason : collection.reasons()) {
      terminal.out << fmt::format("{} is {}: {}\n", collection.collection(),
                                  StatusName(collection.status()), reason);
    }
  }
}

absl::Status Run(const Options& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  v1::ListCollectionsResponse collections;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return v1::Collections::NewStub(channel)->ListCollections(context, v1::ListCollectionsRequest(),
                                                              &collections);
  }));
  v1::ListOperationsResponse operations;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return v1::Operations::NewStub(channel)->ListOperations(context, v1::ListOperationsRequest(),
                                                            &operations);
  }));
  if (options.json != "-") {
    PrintCollectionTable(collections, terminal);
    PrintReasons(collections, terminal);
    PrintOperations(operations, terminal);
  }
  Json json = {{"collections", Json::array()}, {"operations", Json::array()}};
  for (const auto& collection : collections.collections()) {
    json["collections"].push_back(ToJson(collection));
  }
  for (const auto& operation : operations.operations()) {
    json["operations"].push_back(ToJson(operation));
  }
  return WriteJson(json, options.json, terminal);
}

}  // namespace

void AddStatusCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("status", "Collections and operations of a server");
  AddEndpoint(*command, options->endpoint);
  AddJson(*command, options->json);
  command->footer("Example:\n  kith status --endpoint 127.0.0.1:7430");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
