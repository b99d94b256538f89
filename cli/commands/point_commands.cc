#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/filter_text.h"
#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/commands/query_input.h"
#include "cli/console/json_output.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::cli {
namespace {

struct UpsertOptions {
  std::string endpoint;
  std::string collection;
  std::string id;
  VectorInput vector;
  std::string payload;
};

absl::Status Upsert(const UpsertOptions& options, Terminal& terminal) {
  v1::UpsertRequest request;
  request.set_collection(options.collection);
  v1::Point& point = *request.add_points();
  KITH_ASSIGN_OR_RETURN(*point.mutable_id(), ParseId(options.id));
  KITH_ASSIGN_OR_RETURN(const std::vector<float> values, ReadVector(options.vector));
  point.mutable_vector()->mutable_values()->Add(values.begin(), values.end());
  if (!options.payload.empty() && Json::parse(options.payload, nullptr, false).is_discarded()) {
    return UsageError("--payload", "is not valid JSON (quote it for the shell)");
  }
  point.set_payload(options.payload);
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  v1::UpsertResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->Upsert(context, request, &answer);
  }));
  for (const auto& status : answer.statuses()) KITH_RETURN_IF_ERROR(FromItemStatus(status));
  terminal.out << fmt::format("written {}\n", IdText(point.id()));
  return absl::OkStatus();
}

struct IdsOptions {
  std::string endpoint;
  std::string collection;
  std::vector<std::string> ids;
  bool with_vector = false;
  std::string json;
};

template <typename Request>
absl::Status AddIds(const IdsOptions& options, Request& request) {
  request.set_collection(options.collection);
  for (const std::string& text : options.ids) {
    KITH_ASSIGN_OR_RETURN(*request.add_ids(), ParseId(text));
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> PointJson(const v1::StoredPoint& point, const IdsOptions& options,
                               ElementType type) {
  Json json = {{"id", IdJson(point.id())}, {"version", point.version()}};
  if (options.with_vector) {
    KITH_ASSIGN_OR_RETURN(const std::vector<float> elements, Elements(point.vector(), type));
    json["vector"] = elements;
  }
  if (!point.payload().empty()) json["payload"] = PayloadJson(point.payload());
  return json;
}

absl::Status MissingError(const v1::GetPointsResponse& answer) {
  if (answer.missing().empty()) return absl::OkStatus();
  std::string ids;
  for (const v1::PointId& id : answer.missing()) ids += (ids.empty() ? "" : ", ") + IdText(id);
  return Error(absl::StatusCode::kNotFound, reason::kPointNotFound,
               fmt::format("{} of {} points are not there: {}", answer.missing_size(),
                           answer.missing_size() + answer.points_size(), ids));
}

absl::Status GetPoints(const IdsOptions& options, Terminal& terminal) {
  v1::GetPointsRequest request;
  KITH_RETURN_IF_ERROR(AddIds(options, request));
  request.set_with_vector(options.with_vector);
  request.set_with_payload(true);
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  const auto stub = v1::Points::NewStub(channel);
  v1::GetPointsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->GetPoints(context, request, &answer);
  }));
  Json all = Json::array();
  for (const v1::StoredPoint& point : answer.points()) {
    KITH_ASSIGN_OR_RETURN(Json json, PointJson(point, options, schema.element_type));
    // One object a line, as an import reads them.
    if (options.json != "-") terminal.out << json.dump() << "\n";
    all.push_back(std::move(json));
  }
  KITH_RETURN_IF_ERROR(WriteJson(all, options.json, terminal));
  return MissingError(answer);
}

struct DeleteOptions {
  IdsOptions ids;
  std::string filter;
  bool dry_run = false;
  uint32_t sample = limits::kSampleDefault;
};

absl::Status ReportDeleted(Json result, const std::string& line, const DeleteOptions& options,
                           Terminal& terminal) {
  if (options.ids.json != "-") terminal.out << line;
  return WriteJson(std::move(result), options.ids.json, terminal);
}

absl::Status DeleteByIds(const DeleteOptions& options, Terminal& terminal) {
  v1::DeletePointsRequest request;
  KITH_RETURN_IF_ERROR(AddIds(options.ids, request));
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.ids.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  v1::DeletePointsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->DeletePoints(context, request, &answer);
  }));
  const size_t asked = options.ids.ids.size();
  return ReportDeleted({{"deleted", answer.deleted()}, {"asked", asked}},
                       fmt::format("deleted {} of {}\n", answer.deleted(), asked), options,
                       terminal);
}

absl::Status ReportDryRun(const v1::DeletePointsResponse& answer, const DeleteOptions& options,
                          Terminal& terminal) {
  Json sample = Json::array();
  std::string line = fmt::format("would delete {}\n", answer.deleted());
  for (const v1::PointId& id : answer.sample()) {
    sample.push_back(IdJson(id));
    line += fmt::format("  {}\n", IdText(id));
  }
  return ReportDeleted({{"would_delete", answer.deleted()}, {"sample", std::move(sample)}}, line,
                       options, terminal);
}

// Call after call, until nothing is left.
absl::Status DeleteByFilter(const DeleteOptions& options, Terminal& terminal) {
  v1::DeletePointsRequest request;
  request.set_collection(options.ids.collection);
  KITH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseFilter(options.filter));
  request.set_dry_run(options.dry_run);
  if (options.dry_run) request.set_sample(options.sample);
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.ids.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  uint64_t deleted = 0;
  do {
    v1::DeletePointsResponse answer;
    KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
      return stub->DeletePoints(context, request, &answer);
    }));
    if (options.dry_run) return ReportDryRun(answer, options, terminal);
    deleted += answer.deleted();
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  return ReportDeleted({{"deleted", deleted}}, fmt::format("deleted {}\n", deleted), options,
                       terminal);
}

absl::Status DeletePoints(const DeleteOptions& options, Terminal& terminal) {
  if (options.filter.empty() == options.ids.ids.empty()) {
    return UsageError("ID", "name either ids or a --filter");
  }
  if (!options.filter.empty()) return DeleteByFilter(options, terminal);
  if (options.dry_run) return UsageError("--dry-run", "goes with --filter");
  return DeleteByIds(options, terminal);
}

// Whether ids are required is for the caller to say.
CLI::Option* AddIdsOptions(CLI::App& command, IdsOptions& options) {
  command.add_option("NAME", options.collection, "The collection")->required();
  CLI::Option* const ids = command.add_option("ID", options.ids, "Numbers or UUIDs");
  AddEndpoint(command, options.endpoint);
  AddJson(command, options.json);
  return ids;
}

}  // namespace

void AddPointCommands(CLI::App& app, Action& action) {
  auto upsert_options = std::make_shared<UpsertOptions>();
  CLI::App* upsert = app.add_subcommand("upsert", "Write one point");
  upsert->add_option("NAME", upsert_options->collection, "The collection")->required();
  AddEndpoint(*upsert, upsert_options->endpoint);
  upsert->add_option("--id", upsert_options->id, "A number or a UUID")->required();
  AddVectorInput(*upsert, upsert_options->vector);
  upsert->add_option("--payload", upsert_options->payload, "JSON kept with the point");
  upsert->footer(
      "Example:\n"
      "  kith upsert faces --id 7 --vector \"0.1,0.2,0.3\" --payload '{\"who\": \"Ada\"}'");
  OnParsed(*upsert, action, upsert_options, Upsert);

  auto get_options = std::make_shared<IdsOptions>();
  CLI::App* get = app.add_subcommand("get", "Print points, one JSON object a line");
  AddIdsOptions(*get, *get_options)->required();
  get->add_flag("--with-vector", get_options->with_vector, "Their vectors too");
  get->footer("Example:\n  kith get faces 7 8 0b0e4b7e-7d0c-4bd1-93a5-3f4f2d0d9f11");
  OnParsed(*get, action, get_options, GetPoints);

  auto delete_options = std::make_shared<DeleteOptions>();
  CLI::App* erase = app.add_subcommand("delete", "Delete points by id or by a filter");
  AddIdsOptions(*erase, delete_options->ids);
  erase->add_option("--filter", delete_options->filter,
                    "JSON of a filter: delete all points that pass it");
  erase->add_flag("--dry-run", delete_options->dry_run,
                  "Only say how many points pass the filter, and show some");
  erase->add_option("--sample", delete_options->sample, "Ids that a dry run shows")
      ->capture_default_str()
      ->check(CLI::Range(0u, limits::kSampleMax));
  erase->footer(
      "Examples:\n"
      "  kith delete faces 7 8\n"
      "  kith delete shop --dry-run --filter "
      "'{\"range\": {\"field\": \"year\", \"lt\": {\"integer\": 1990}}}'");
  OnParsed(*erase, action, delete_options, DeletePoints);
}

}  // namespace kith::cli
