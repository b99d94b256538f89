#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/client/connection.h"
#include "cli/client/filter_text.h"
#include "cli/client/follow_operation.h"
#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/console/interrupt.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

struct PayloadIndexOptions {
  std::string endpoint;
  std::string collection;
  std::string field;
  std::string json;
};

// Starts the operation by a call and waits for its end.
template <typename Request, typename Method>
absl::Status Run(const PayloadIndexOptions& options, const Request& request, Method method,
                 Terminal& terminal) {
  InterruptWatch interrupt;  // before any thread of gRPC
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::Operation operation;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &operation);
  }));
  Progress progress("payload index", terminal);
  KITH_RETURN_IF_ERROR(FollowOperation(channel, interrupt, progress, operation));
  if (options.json != "-") {
    terminal.out << fmt::format("{}: {}\n", options.collection, operation.result());
  }
  return WriteJson(ToJson(operation), options.json, terminal);
}

absl::Status Add(const PayloadIndexOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const v1::PayloadField field, ParsePayloadField(options.field));
  v1::CreatePayloadIndexRequest request;
  request.set_collection(options.collection);
  request.set_field(field.name());
  request.set_type(field.type());
  return Run(options, request, &v1::Collections::Stub::CreatePayloadIndex, terminal);
}

absl::Status Remove(const PayloadIndexOptions& options, Terminal& terminal) {
  v1::DeletePayloadIndexRequest request;
  request.set_collection(options.collection);
  request.set_field(options.field);
  return Run(options, request, &v1::Collections::Stub::DeletePayloadIndex, terminal);
}

}  // namespace

void AddPayloadIndexCommands(CLI::App& group, Action& action) {
  CLI::App* const indexes =
      group.add_subcommand("payload-index", "Add and remove payload fields that filters may name");
  indexes->require_subcommand(1);

  auto add_options = std::make_shared<PayloadIndexOptions>();
  CLI::App* const add = indexes->add_subcommand(
      "add", "Index a field, of the points that are there too; returns when filters may name it");
  add->add_option("NAME", add_options->collection, "The collection")->required();
  add->add_option("FIELD:TYPE", add_options->field,
                  "The field and its type: keyword, integer, double or boolean")
      ->required();
  AddEndpoint(*add, add_options->endpoint);
  AddJson(*add, add_options->json);
  add->footer(
      "Searches and writes go on; writes are held to the field's type at once. Where a stored\n"
      "payload does not fit, nothing is indexed and a point is named. Ctrl-C leaves it going on.\n"
      "Example:\n  kith collection payload-index add shop year:integer");
  OnParsed(*add, action, add_options, Add);

  auto remove_options = std::make_shared<PayloadIndexOptions>();
  CLI::App* const remove = indexes->add_subcommand(
      "remove", "Take the index of a field away; payloads stay as they are");
  remove->add_option("NAME", remove_options->collection, "The collection")->required();
  remove->add_option("FIELD", remove_options->field, "The field")->required();
  AddEndpoint(*remove, remove_options->endpoint);
  AddJson(*remove, remove_options->json);
  remove->footer("Example:\n  kith collection payload-index remove shop year");
  OnParsed(*remove, action, remove_options, Remove);
}

}  // namespace kith::cli
