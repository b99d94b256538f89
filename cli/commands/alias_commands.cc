#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/client/connection.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

using Stub = v1::Collections::Stub;

struct AliasOptions {
  std::string endpoint;
  std::string alias;
  std::string collection;
  std::vector<std::string> changes;
  std::string json;
};

template <typename Request, typename Method>
absl::Status Run(const AliasOptions& options, const Request& request, Method method,
                 Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::ListAliasesResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return ((*stub).*method)(context, request, &answer);
  }));
  Json all = Json::object();
  for (const v1::Alias& alias : answer.aliases()) {
    all[alias.alias()] = alias.collection();
    if (options.json != "-") {
      terminal.out << fmt::format("{} -> {}\n", alias.alias(), alias.collection());
    }
  }
  return WriteJson(all, options.json, terminal);
}

absl::Status Set(const AliasOptions& options, Terminal& terminal) {
  v1::SetAliasRequest request;
  request.set_alias(options.alias);
  request.set_collection(options.collection);
  return Run(options, request, &Stub::SetAlias, terminal);
}

absl::Status Delete(const AliasOptions& options, Terminal& terminal) {
  v1::DeleteAliasRequest request;
  request.set_alias(options.alias);
  return Run(options, request, &Stub::DeleteAlias, terminal);
}

absl::Status Change(const AliasOptions& options, Terminal& terminal) {
  v1::ChangeAliasesRequest request;
  for (const std::string& text : options.changes) {
    const size_t at = text.find('=');
    if (at == std::string::npos) {
      return UsageError("CHANGE",
                        fmt::format("{} is not ALIAS=COLLECTION, or ALIAS= to delete it", text));
    }
    v1::AliasChange* const change = request.add_changes();
    change->set_alias(text.substr(0, at));
    change->set_collection(text.substr(at + 1));
  }
  return Run(options, request, &Stub::ChangeAliases, terminal);
}

absl::Status List(const AliasOptions& options, Terminal& terminal) {
  return Run(options, v1::ListAliasesRequest(), &Stub::ListAliases, terminal);
}

CLI::App* AddOne(CLI::App& group, AliasOptions& options, const char* name, const char* what) {
  CLI::App* const command = group.add_subcommand(name, what);
  AddEndpoint(*command, options.endpoint);
  AddJson(*command, options.json);
  return command;
}

}  // namespace

void AddAliasCommands(CLI::App& app, Action& action) {
  CLI::App* group = app.add_subcommand("alias", "Further names of collections, moved in one step");
  group->require_subcommand(1);
  auto set_options = std::make_shared<AliasOptions>();
  CLI::App* set = AddOne(*group, *set_options, "set", "Make an alias, or move it");
  set->add_option("ALIAS", set_options->alias, "The further name")->required();
  set->add_option("COLLECTION", set_options->collection, "What it stands for")->required();
  set->footer("Example:\n  kith alias set faces faces-v2");
  OnParsed(*set, action, set_options, Set);

  auto delete_options = std::make_shared<AliasOptions>();
  CLI::App* erase =
      AddOne(*group, *delete_options, "delete", "Delete an alias; the collection stays");
  erase->add_option("ALIAS", delete_options->alias, "The alias")->required();
  erase->footer("Example:\n  kith alias delete faces");
  OnParsed(*erase, action, delete_options, Delete);

  auto change_options = std::make_shared<AliasOptions>();
  CLI::App* change = AddOne(*group, *change_options, "change", "Several changes in one step");
  change->add_option("CHANGE", change_options->changes, "ALIAS=COLLECTION, or ALIAS= to delete it")
      ->required();
  change->footer("Example:\n  kith alias change faces=faces-v2 faces-old=faces-v1 faces-next=");
  OnParsed(*change, action, change_options, Change);

  auto list_options = std::make_shared<AliasOptions>();
  CLI::App* list = AddOne(*group, *list_options, "list", "All aliases");
  list->footer("Example:\n  kith alias list");
  OnParsed(*list, action, list_options, List);
}

}  // namespace kith::cli
