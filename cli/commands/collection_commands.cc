#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/filter_text.h"
#include "cli/client/wire.h"
#include "cli/commands/collection_text.h"
#include "cli/commands/commands.h"
#include "cli/commands/train.h"
#include "cli/commands/verify.h"
#include "cli/console/json_output.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

struct ShapeOptions {
  std::string endpoint;
  std::string name;
  uint32_t dimension = 0;
  std::string metric;
  std::string dtype;
  uint32_t shards = 0;
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  double target_recall = 0;
  uint64_t expected_points = 0;
  uint64_t points = 0;
  uint64_t memory = 0;
  std::vector<std::string> payload_fields;
  std::string description;
  bool validate_only = false;
  std::string json;
};

v1::IndexParameters IndexOf(const ShapeOptions& options) {
  v1::IndexParameters index;
  index.set_lists(options.lists);
  index.set_subspaces(options.subspaces);
  index.set_plane_b_bytes(options.plane_b_bytes);
  index.set_target_recall(options.target_recall);
  index.set_expected_points(options.expected_points);
  return index;
}

absl::Status Create(const ShapeOptions& options, Terminal& terminal) {
  v1::CreateCollectionRequest request;
  request.set_collection(options.name);
  request.set_dimension(options.dimension);
  KITH_ASSIGN_OR_RETURN(const v1::Metric metric, ParseMetric(options.metric));
  request.set_metric(metric);
  KITH_ASSIGN_OR_RETURN(const v1::ElementType type, ParseElementType(options.dtype));
  request.set_element_type(type);
  request.set_shards(options.shards);
  *request.mutable_index() = IndexOf(options);
  request.set_validate_only(options.validate_only);
  request.set_description(options.description);
  for (const std::string& text : options.payload_fields) {
    KITH_ASSIGN_OR_RETURN(*request.add_payload_fields(), ParsePayloadField(text));
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::Collection made;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->CreateCollection(context, request, &made);
  }));
  if (options.json != "-") {
    terminal.out << fmt::format("{} {}: {} dimensions, {}, {}, {} shards\n",
                                options.validate_only ? "would create" : "created",
                                made.collection(), made.dimension(), options.metric, options.dtype,
                                made.shards());
  }
  return WriteJson(ToJson(made), options.json, terminal);
}

absl::Status Plan(const ShapeOptions& options, Terminal& terminal) {
  v1::PlanCollectionRequest request;
  request.set_dimension(options.dimension);
  KITH_ASSIGN_OR_RETURN(const v1::Metric metric, ParseMetric(options.metric));
  request.set_metric(metric);
  KITH_ASSIGN_OR_RETURN(const v1::ElementType type, ParseElementType(options.dtype));
  request.set_element_type(type);
  request.set_points(options.points);
  request.set_shards(options.shards);
  *request.mutable_index() = IndexOf(options);
  request.set_memory_limit_bytes(options.memory);
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::PlanCollectionResponse plan;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->PlanCollection(context, request, &plan);
  }));
  if (options.json != "-") PrintPlan(plan, options.points, terminal);
  return WriteJson(ToJson(plan), options.json, terminal);
}

absl::Status Get(const ShapeOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection, FetchCollection(channel, options.name));
  if (options.json != "-") PrintCollection(collection, terminal);
  return WriteJson(ToJson(collection), options.json, terminal);
}

absl::Status List(const ShapeOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::ListCollectionsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->ListCollections(context, v1::ListCollectionsRequest(), &answer);
  }));
  if (options.json != "-") PrintCollectionTable(answer, terminal);
  Json all = Json::array();
  for (const v1::Collection& collection : answer.collections()) all.push_back(ToJson(collection));
  return WriteJson(all, options.json, terminal);
}

struct DropOptions {
  std::string endpoint;
  std::string name;
  bool yes = false;
};

absl::Status ConfirmDrop(const DropOptions& options, uint64_t points, Terminal& terminal) {
  if (options.yes) return absl::OkStatus();
  if (!terminal.in_is_tty) {
    return UsageError("--yes",
                      "dropping a collection loses its points; say --yes where nobody can "
                      "be asked");
  }
  terminal.err << fmt::format("Drop {} and its {} points for good? Type its name: ", options.name,
                              points);
  terminal.err.flush();
  std::string typed;
  std::getline(terminal.in, typed);
  if (typed == options.name) return absl::OkStatus();
  return absl::CancelledError("nothing was dropped");
}

absl::Status Drop(const DropOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection found, FetchCollection(channel, options.name));
  KITH_RETURN_IF_ERROR(ConfirmDrop(options, found.points(), terminal));
  const auto stub = v1::Collections::NewStub(channel);
  v1::DeleteCollectionRequest request;
  request.set_collection(options.name);
  v1::DeleteCollectionResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->DeleteCollection(context, request, &answer);
  }));
  terminal.out << fmt::format("dropped {} ({} points)\n", options.name, found.points());
  return absl::OkStatus();
}

void AddShape(CLI::App& command, ShapeOptions& options) {
  AddEndpoint(command, options.endpoint);
  command.add_option("--dimension", options.dimension, "Elements of a vector, 1 to 4096")
      ->required();
  command.add_option("--metric", options.metric, "l2, ip (inner product) or cosine")->required();
  command.add_option("--dtype", options.dtype, "f32, f16 or u8")->required();
  command.add_option("--shards", options.shards, "Shards; the server's default where not given");
  command.add_option("--lists", options.lists, "Inverted lists; chosen where not given");
  command.add_option("--subspaces", options.subspaces, "Bytes of a code; chosen where not given");
  command.add_option("--plane-b-bytes", options.plane_b_bytes,
                     "Bytes of a refining code; chosen where not given");
  command.add_option("--target-recall", options.target_recall,
                     "recall@10 that searches aim at, 0.5 to 0.999");
  AddJson(command, options.json);
}

void AddCreateAndPlan(CLI::App& group, Action& action) {
  auto create_options = std::make_shared<ShapeOptions>();
  CLI::App* create = group.add_subcommand("create", "Make a collection");
  create->add_option("NAME", create_options->name, "[a-z0-9][a-z0-9_-]{0,62}")->required();
  AddShape(*create, *create_options);
  create->add_option("--payload-field", create_options->payload_fields,
                     "NAME:TYPE of a field that filters may name: keyword, integer, double or "
                     "boolean. Payloads are JSON objects then. May be repeated");
  create->add_option("--expected-points", create_options->expected_points,
                     "Points that there will be: the index is chosen for them; those that are "
                     "there where not given");
  create->add_option("--description", create_options->description, "For people");
  create->add_flag("--validate-only", create_options->validate_only, "Check, but make nothing");
  create->footer(
      "Examples:\n"
      "  kith collection create faces --dimension 512 --metric cosine --dtype f32\n"
      "  kith collection create sift --dimension 128 --metric l2 --dtype u8 --shards 4\n"
      "  kith collection create large --dimension 80 --metric l2 --dtype u8 --expected-points "
      "250000000\n"
      "  kith collection create shop --dimension 80 --metric l2 --dtype f32 \\\n"
      "      --payload-field color:keyword --payload-field price:double");
  OnParsed(*create, action, create_options, Create);

  auto plan_options = std::make_shared<ShapeOptions>();
  CLI::App* plan = group.add_subcommand("plan", "What a collection would take, before it is made");
  AddShape(*plan, *plan_options);
  plan->add_option("--points", plan_options->points, "Points that it is to hold")->required();
  plan->add_option("--memory", plan_options->memory,
                   "Bytes of a node; what other collections leave of it where not given");
  plan->footer(
      "Example:\n"
      "  kith collection plan --dimension 96 --metric l2 --dtype f32 --points 100000000");
  OnParsed(*plan, action, plan_options, Plan);
}

void AddGetListDrop(CLI::App& group, Action& action) {
  auto get_options = std::make_shared<ShapeOptions>();
  CLI::App* get = group.add_subcommand("get", "One collection in full");
  get->add_option("NAME", get_options->name, "The collection")->required();
  AddEndpoint(*get, get_options->endpoint);
  AddJson(*get, get_options->json);
  get->footer("Example:\n  kith collection get faces --json -");
  OnParsed(*get, action, get_options, Get);

  auto list_options = std::make_shared<ShapeOptions>();
  CLI::App* list = group.add_subcommand("list", "All collections");
  AddEndpoint(*list, list_options->endpoint);
  AddJson(*list, list_options->json);
  list->footer("Example:\n  kith collection list");
  OnParsed(*list, action, list_options, List);

  auto drop_options = std::make_shared<DropOptions>();
  CLI::App* drop = group.add_subcommand("drop", "Remove a collection and its points for good");
  drop->add_option("NAME", drop_options->name, "The collection")->required();
  AddEndpoint(*drop, drop_options->endpoint);
  drop->add_flag("--yes", drop_options->yes, "Do not ask");
  drop->footer("Example:\n  kith collection drop faces --yes");
  OnParsed(*drop, action, drop_options, Drop);
}

void AddTrain(CLI::App& group, Action& action) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* train = group.add_subcommand(
      "train",
      "Train the index on the points that are there; returns when it serves, or waits because it "
      "measured worse than what serves");
  train->add_option("NAME", options->collection, "The collection")->required();
  AddEndpoint(*train, options->endpoint);
  train->add_option("--lists", options->lists, "Inverted lists; the collection's where not given");
  train->add_option("--subspaces", options->subspaces,
                    "Bytes of a code; the collection's likewise");
  train->add_option("--plane-b-bytes", options->plane_b_bytes,
                    "Bytes of a refining code; the collection's likewise");
  train->add_option("--target-recall", options->target_recall, "recall@10 to aim at");
  train->add_option("--expected-points", options->expected_points,
                    "Points that there will be; what the collection says where not given");
  train->add_option("--seed", options->seed, "Of the sample and the start");
  CLI::Option* by_hand = train->add_flag("--no-promote", options->no_promote,
                                         "Let the new version wait for `kith index promote`");
  train
      ->add_option("--min-recall-gain", options->min_recall_gain,
                   "Serve only with this much more recall@10 than what serves; no worse than "
                   "chance explains where not given")
      ->excludes(by_hand);
  AddJson(*train, options->json);
  train->footer(
      "Ctrl-C leaves the training running on the server.\n"
      "Example:\n  kith collection train faces");
  OnParsed(*train, action, options, RunTrain);
}

void AddVerify(CLI::App& group, Action& action) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verify = group.add_subcommand(
      "verify", "Compare every shard's points and index with their digests, byte by byte");
  verify->add_option("NAME", options->collection, "The collection")->required();
  AddEndpoint(*verify, options->endpoint);
  verify->add_option("--timeout", options->timeout_s, "Seconds to wait; 600 where not given");
  AddJson(*verify, options->json);
  verify->footer(
      "Reads everything the shards hold; exits with 1 where something differs.\n"
      "Example:\n  kith collection verify faces");
  OnParsed(*verify, action, options, RunVerify);
}

}  // namespace

void AddCollectionCommands(CLI::App& app, Action& action) {
  CLI::App* group =
      app.add_subcommand("collection", "Make, look at, change, train, verify and drop collections");
  group->require_subcommand(1);
  AddCreateAndPlan(*group, action);
  AddGetListDrop(*group, action);
  AddUpdateCommand(*group, action);
  AddPayloadIndexCommands(*group, action);
  AddTrain(*group, action);
  AddVerify(*group, action);
}

}  // namespace kith::cli
