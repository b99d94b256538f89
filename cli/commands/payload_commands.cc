#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/client/connection.h"
#include "cli/client/filter_text.h"
#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::cli {
namespace {

struct ChangeOptions {
  std::string endpoint;
  std::string collection;
  std::vector<std::string> ids;
  std::string filter;
  std::string payload;
  bool replace = false;
  std::vector<std::string> fields;
  std::string json;
};

// Whom the change is for: ids or a filter.
template <typename Request>
absl::Status AddPoints(const ChangeOptions& options, Request& request) {
  request.set_collection(options.collection);
  if (options.filter.empty() == options.ids.empty()) {
    return UsageError("ID", "name either ids or a --filter");
  }
  if (!options.filter.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseFilter(options.filter));
  }
  for (const std::string& text : options.ids) {
    KITH_ASSIGN_OR_RETURN(*request.add_ids(), ParseId(text));
  }
  return absl::OkStatus();
}

// Call after call, until nothing is left; the first point that was refused is the error.
template <typename Request, typename Method>
absl::Status Run(const ChangeOptions& options, Request request, Method method, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  uint64_t changed = 0;
  v1::ChangePayloadResponse answer;
  do {
    answer.Clear();
    KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return ((*stub).*method)(context, request, &answer);
    }));
    changed += answer.changed();
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  if (options.json != "-") terminal.out << fmt::format("changed {}\n", changed);
  KITH_RETURN_IF_ERROR(WriteJson({{"changed", changed}}, options.json, terminal));
  for (const auto& status : answer.statuses()) KITH_RETURN_IF_ERROR(FromItemStatus(status));
  return absl::OkStatus();
}

absl::Status Set(const ChangeOptions& options, Terminal& terminal) {
  v1::SetPayloadRequest request;
  KITH_RETURN_IF_ERROR(AddPoints(options, request));
  if (Json::parse(options.payload, nullptr, false).is_discarded()) {
    return UsageError("--payload", "is not valid JSON (quote it for the shell)");
  }
  request.set_payload(options.payload);
  if (options.replace) request.set_mode(v1::PAYLOAD_MODE_REPLACE);
  return Run(options, std::move(request), &v1::Points::Stub::SetPayload, terminal);
}

absl::Status Clear(const ChangeOptions& options, Terminal& terminal) {
  v1::ClearPayloadRequest request;
  KITH_RETURN_IF_ERROR(AddPoints(options, request));
  for (const std::string& field : options.fields) request.add_fields(field);
  return Run(options, std::move(request), &v1::Points::Stub::ClearPayload, terminal);
}

void AddChangeOptions(CLI::App& command, ChangeOptions& options) {
  command.add_option("NAME", options.collection, "The collection")->required();
  command.add_option("ID", options.ids, "Numbers or UUIDs");
  AddEndpoint(command, options.endpoint);
  command.add_option("--filter", options.filter,
                     "JSON of a filter: change all points that pass it");
  AddJson(command, options.json);
}

}  // namespace

void AddPayloadCommands(CLI::App& app, Action& action) {
  CLI::App* payload = app.add_subcommand("payload", "Change the payloads of points");
  payload->require_subcommand(1);
  auto set_options = std::make_shared<ChangeOptions>();
  CLI::App* set = payload->add_subcommand("set", "Set fields of the payloads of points");
  AddChangeOptions(*set, *set_options);
  set->add_option("--payload", set_options->payload,
                  "A JSON object; null takes a field out. Fields that it does not name stay")
      ->required();
  set->add_flag("--replace", set_options->replace, "As the whole payload instead");
  set->footer(
      "Examples:\n"
      "  kith payload set shop 7 8 --payload '{\"sold\": true}'\n"
      "  kith payload set shop --payload '{\"sale\": true}' --filter "
      "'{\"match\": {\"field\": \"color\", \"value\": {\"keyword\": \"red\"}}}'");
  OnParsed(*set, action, set_options, Set);

  auto clear_options = std::make_shared<ChangeOptions>();
  CLI::App* clear = payload->add_subcommand("clear", "Take fields out of the payloads of points");
  AddChangeOptions(*clear, *clear_options);
  clear->add_option("--field", clear_options->fields,
                    "A field to take out; may be given several times. None: all of the payload");
  clear->footer("Example:\n  kith payload clear shop 7 --field sold --field sale");
  OnParsed(*clear, action, clear_options, Clear);
}

}  // namespace kith::cli
