#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client/connection.h"
#include "cli/client/follow_operation.h"
#include "cli/client/wire.h"
#include "cli/commands/backup_text.h"
#include "cli/commands/commands.h"
#include "cli/console/interrupt.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "kith/v1/backups.grpc.pb.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"

namespace kith::cli {
namespace {

struct BackupOptions {
  std::string endpoint;
  std::string backup;
  std::vector<std::string> collections;
  std::string collection;
  std::string target;
  std::string operation;
  bool yes = false;
  std::string json;
};

using Channel = std::shared_ptr<grpc::Channel>;

// What a command that waits needs. The watch is made before any thread of gRPC.
struct Session {
  explicit Session(Terminal& out) : terminal(out) {}
  absl::Status Open(const BackupOptions& options) {
    KITH_ASSIGN_OR_RETURN(channel, OpenChannel(options.endpoint));
    return absl::OkStatus();
  }

  InterruptWatch interrupt;
  Channel channel;
  Terminal& terminal;
};

// Starts an operation by a call of the Backups service and waits for its end.
template <typename Request, typename Method>
absl::StatusOr<v1::Operation> RunOperation(Session& session, const Request& request,
                                           Method method) {
  const auto stub = v1::Backups::NewStub(session.channel);
  v1::Operation operation;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &operation);
  }));
  Progress progress(operation.kind(), session.terminal);
  KITH_RETURN_IF_ERROR(FollowOperation(session.channel, session.interrupt, progress, operation));
  return operation;
}

absl::Status Create(const BackupOptions& options, Terminal& terminal) {
  v1::CreateBackupRequest request;
  request.set_backup(options.backup);
  for (const std::string& collection : options.collections) request.add_collections(collection);
  Session session(terminal);
  KITH_RETURN_IF_ERROR(session.Open(options));
  KITH_ASSIGN_OR_RETURN(const v1::Operation operation,
                        RunOperation(session, request, &v1::Backups::Stub::CreateBackup));
  if (options.json != "-") {
    terminal.out << fmt::format("backup {}: {}\n", options.backup, operation.result());
  }
  return WriteJson(ToJson(operation), options.json, terminal);
}

absl::Status Verify(const BackupOptions& options, Terminal& terminal) {
  v1::BackupTarget request;
  request.set_backup(options.backup);
  Session session(terminal);
  KITH_RETURN_IF_ERROR(session.Open(options));
  KITH_ASSIGN_OR_RETURN(const v1::Operation operation,
                        RunOperation(session, request, &v1::Backups::Stub::VerifyBackup));
  if (options.json != "-") terminal.out << operation.result() << "\n";
  return WriteJson(ToJson(operation), options.json, terminal);
}

absl::StatusOr<v1::ListBackupsResponse> FetchBackups(const Channel& channel) {
  const auto stub = v1::Backups::NewStub(channel);
  v1::ListBackupsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->ListBackups(context, v1::ListBackupsRequest(), &answer);
  }));
  return answer;
}

absl::Status List(const BackupOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const Channel channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::ListBackupsResponse answer, FetchBackups(channel));
  if (options.json != "-") PrintBackups(answer, terminal);
  return WriteJson(ToJson(answer), options.json, terminal);
}

// Of the backup, or the one that was named.
absl::StatusOr<std::vector<std::string>> CollectionsOf(const BackupOptions& options,
                                                       const Channel& channel) {
  if (!options.collection.empty()) return std::vector<std::string>{options.collection};
  if (!options.target.empty()) return UsageError("--as", "needs --collection: which one it is of");
  KITH_ASSIGN_OR_RETURN(const v1::ListBackupsResponse answer, FetchBackups(channel));
  for (const v1::Backup& backup : answer.backups()) {
    if (backup.backup() != options.backup) continue;
    if (!backup.error_message().empty()) {
      return Error(absl::StatusCode::kFailedPrecondition, backup.error_reason(),
                   backup.error_message());
    }
    std::vector<std::string> names;
    for (const v1::BackupCollection& one : backup.collections()) names.push_back(one.collection());
    return names;
  }
  return Error(absl::StatusCode::kNotFound, reason::kBackupNotFound,
               fmt::format("there is no backup {}; `kith backup list` shows those that there are",
                           options.backup));
}

// Before the first is begun: half of what was asked for would be hard to tell from all of it.
absl::Status CheckNoneIsThere(const Channel& channel, const std::vector<std::string>& names) {
  const auto stub = v1::Collections::NewStub(channel);
  for (const std::string& name : names) {
    v1::GetCollectionRequest request;
    request.set_collection(name);
    v1::Collection found;
    const absl::Status asked = CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return stub->GetCollection(context, request, &found);
    });
    if (absl::IsNotFound(asked)) continue;
    KITH_RETURN_IF_ERROR(asked);
    return Error(absl::StatusCode::kAlreadyExists, reason::kCollectionExists,
                 fmt::format("collection {} exists, and nothing is restored over it: drop it, or "
                             "say --collection {} --as OTHER",
                             name, name));
  }
  return absl::OkStatus();
}

absl::Status Restore(const BackupOptions& options, Terminal& terminal) {
  Session session(terminal);
  KITH_RETURN_IF_ERROR(session.Open(options));
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        CollectionsOf(options, session.channel));
  if (options.target.empty()) KITH_RETURN_IF_ERROR(CheckNoneIsThere(session.channel, names));
  Json all = Json::array();
  for (const std::string& name : names) {
    v1::RestoreBackupRequest request;
    request.set_backup(options.backup);
    request.set_collection(name);
    request.set_target(options.target);
    KITH_ASSIGN_OR_RETURN(const v1::Operation operation,
                          RunOperation(session, request, &v1::Backups::Stub::RestoreBackup));
    if (options.json != "-") {
      terminal.out << fmt::format("restored {} as {}, incarnation {}\n", name,
                                  operation.collection(), operation.result());
    }
    all.push_back(ToJson(operation));
  }
  return WriteJson(all, options.json, terminal);
}

absl::Status Delete(const BackupOptions& options, Terminal& terminal) {
  if (!options.yes) {
    return UsageError("--yes", "deleting a backup is for good: say --yes");
  }
  v1::BackupTarget request;
  request.set_backup(options.backup);
  KITH_ASSIGN_OR_RETURN(const Channel channel, OpenChannel(options.endpoint));
  const auto stub = v1::Backups::NewStub(channel);
  v1::DeleteBackupResponse answer;
  // It looks at every file of the store.
  KITH_RETURN_IF_ERROR(CallServer(std::chrono::minutes(10), [&](grpc::ClientContext* context) {
    return stub->DeleteBackup(context, request, &answer);
  }));
  terminal.out << fmt::format("deleted backup {}\n", options.backup);
  return absl::OkStatus();
}

absl::Status Cancel(const BackupOptions& options, Terminal& terminal) {
  v1::GetOperationRequest request;
  request.set_id(options.operation);
  KITH_ASSIGN_OR_RETURN(const Channel channel, OpenChannel(options.endpoint));
  const auto stub = v1::Operations::NewStub(channel);
  v1::Operation operation;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->CancelOperation(context, request, &operation);
  }));
  terminal.out << fmt::format("asked {} {} to stop; `kith status` shows when it has\n",
                              operation.kind(), operation.id());
  return absl::OkStatus();
}

template <typename Run>
std::pair<CLI::App*, std::shared_ptr<BackupOptions>> Add(CLI::App& group, Action& action,
                                                         std::pair<const char*, const char*> said,
                                                         Run run) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = group.add_subcommand(said.first, said.second);
  AddEndpoint(*command, options->endpoint);
  OnParsed(*command, action, options, run);
  return {command, options};
}

void AddCreateAndList(CLI::App& group, Action& action) {
  const auto [create, made] =
      Add(group, action,
          {"create", "Back up all collections, or those named; writes and searches go on"}, Create);
  create->add_option("BACKUP", made->backup, "[a-z0-9][a-z0-9_-]{0,62}, a new one")->required();
  create->add_option("--collection", made->collections, "Only this one; may be repeated")
      ->allow_extra_args(false);
  AddJson(*create, made->json);
  create->footer(
      "Only what no earlier backup has is copied. Ctrl-C leaves it running on the server.\n"
      "Example:\n  kith backup create nightly-$(date +%F)");
  const auto [list, listed] = Add(group, action, {"list", "The backups there are"}, List);
  AddJson(*list, listed->json);
  list->footer("Example:\n  kith backup list");
}

void AddVerifyAndRestore(CLI::App& group, Action& action) {
  const auto [verify, verified] =
      Add(group, action, {"verify", "Read a backup byte by byte; names what is missing or damaged"},
          Verify);
  verify->add_option("BACKUP", verified->backup, "The backup")->required();
  AddJson(*verify, verified->json);
  verify->footer("Example:\n  kith backup verify nightly-2026-11-26");
  const auto [restore, restored] = Add(
      group, action,
      {"restore", "Make the collections of a backup again, none of which may be there"}, Restore);
  restore->add_option("BACKUP", restored->backup, "The backup")->required();
  restore->add_option("--collection", restored->collection, "Only this one");
  restore->add_option("--as", restored->target, "The name it gets; with --collection");
  AddJson(*restore, restored->json);
  restore->footer(
      "Each collection is there once all of it is. Ctrl-C leaves the restore running.\n"
      "Examples:\n"
      "  kith backup restore nightly-2026-11-26\n"
      "  kith backup restore nightly-2026-11-26 --collection faces --as faces-restored");
}

void AddDeleteAndCancel(CLI::App& group, Action& action) {
  const auto [remove, removed] =
      Add(group, action, {"delete", "Delete a backup, and free what no other one needs"}, Delete);
  remove->add_option("BACKUP", removed->backup, "The backup")->required();
  remove->add_flag("--yes", removed->yes, "It is for good");
  remove->footer("Example:\n  kith backup delete nightly-2026-10-26 --yes");
  const auto [cancel, cancelled] = Add(
      group, action, {"cancel", "Stop a backup, a verification or a restore that runs"}, Cancel);
  cancel->add_option("OPERATION", cancelled->operation, "Its id, as `kith status` shows it")
      ->required();
  cancel->footer("Nothing of it is left.\nExample:\n  kith backup cancel 0123abcd-4");
}

}  // namespace

void AddBackupCommands(CLI::App& app, Action& action) {
  CLI::App* group =
      app.add_subcommand("backup", "Make, list, verify, restore and delete backups of a server");
  group->require_subcommand(1);
  AddCreateAndList(*group, action);
  AddVerifyAndRestore(*group, action);
  AddDeleteAndCancel(*group, action);
}

}  // namespace kith::cli
