#include <fmt/format.h>

#include <chrono>
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
#include "cli/console/table.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::cli {
namespace {

struct Options {
  std::string endpoint;
  std::string collection;
  VectorInput vector;
  std::string id;
  std::string queries;
  std::string filter;
  std::optional<uint32_t> limit, nprobe, refine, rerank;
  std::optional<double> target_recall, max_distance, min_score, min_coverage;
  bool exact = false;
  bool is_batch = false;
  bool with_payload = false;
  bool with_vector = false;
  bool explain = false;
  int64_t deadline_ms = 10'000;
  std::string json;
};

absl::Status SetQuery(const Options& options, v1::SearchRequest& request) {
  const int given = (options.vector.given() ? 1 : 0) + (options.id.empty() ? 0 : 1) +
                    (options.queries.empty() ? 0 : 1);
  if (given != 1) {
    return UsageError("--vector", "give one of --vector, --vector-file, --id and --queries");
  }
  if (!options.id.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_point(), ParseId(options.id));
    return absl::OkStatus();
  }
  auto values = options.queries.empty() ? ReadVector(options.vector)
                                        : ReadVectorRow(options.queries, options.vector.row);
  KITH_RETURN_IF_ERROR(values.status());
  request.mutable_vector()->mutable_values()->Add(values->begin(), values->end());
  return absl::OkStatus();
}

v1::SearchParameters ParametersOf(const Options& options) {
  v1::SearchParameters parameters;
  if (options.limit) parameters.set_limit(*options.limit);
  if (options.nprobe) parameters.set_nprobe(*options.nprobe);
  if (options.target_recall) parameters.set_target_recall(*options.target_recall);
  if (options.max_distance) parameters.set_max_distance(*options.max_distance);
  if (options.min_score) parameters.set_min_score(*options.min_score);
  if (options.min_coverage) parameters.set_min_coverage(*options.min_coverage);
  if (options.refine) parameters.set_refine(*options.refine);
  if (options.rerank) parameters.set_rerank(*options.rerank);
  parameters.set_exact(options.exact);
  if (options.is_batch) parameters.set_priority(v1::SEARCH_PRIORITY_BATCH);
  parameters.set_with_payload(options.with_payload);
  parameters.set_with_vector(options.with_vector);
  parameters.set_explain(options.explain);
  return parameters;
}

std::string_view ScoreKindName(v1::ScoreKind kind) {
  return kind == v1::SCORE_KIND_EXACT       ? "exact"
         : kind == v1::SCORE_KIND_QUANTIZED ? "quantized"
                                            : "unknown";
}

absl::StatusOr<Json> AnswerJson(const v1::SearchResponse& answer, const Options& options,
                                ElementType type) {
  Json hits = Json::array();
  for (const v1::Hit& hit : answer.hits()) {
    Json json = {{"id", IdJson(hit.id())}, {"score", hit.score()}, {"version", hit.version()}};
    if (options.with_payload) json["payload"] = PayloadJson(hit.payload());
    if (options.with_vector) {
      KITH_ASSIGN_OR_RETURN(const std::vector<float> elements, Elements(hit.vector(), type));
      json["vector"] = elements;
    }
    hits.push_back(std::move(json));
  }
  Json degraded = Json::array();
  for (const std::string& reason : answer.degraded()) degraded.push_back(reason);
  Json json = {{"hits", std::move(hits)},
               {"score_kind", ScoreKindName(answer.score_kind())},
               {"coverage", ToJson(answer.coverage())},
               {"index_version", answer.index_version()},
               {"degraded", std::move(degraded)}};
  if (options.explain) json["explanation"] = ToJson(answer.explanation());
  return json;
}

void PrintHits(const Json& answer, const Options& options, Terminal& terminal) {
  std::vector<std::string> titles = {"RANK", "ID", "SCORE"};
  if (options.with_payload) titles.emplace_back("PAYLOAD");
  if (options.with_vector) titles.emplace_back("VECTOR");
  Table table(titles);
  size_t rank = 0;
  for (const Json& hit : answer["hits"]) {
    const Json& id = hit["id"];
    std::vector<std::string> row = {std::to_string(++rank),
                                    id.is_string() ? id.get<std::string>() : id.dump(),
                                    fmt::format("{:.6g}", hit["score"].get<float>())};
    if (options.with_payload) row.push_back(hit["payload"].dump());
    if (options.with_vector) row.push_back(hit["vector"].dump());
    table.Add(std::move(row));
  }
  table.Print(terminal.out);
}

void PrintExplanation(const v1::Explanation& told, Terminal& terminal) {
  terminal.out << fmt::format(
      "{}: nprobe {}, {} lists probed, {} rows scanned, {} compared exactly, {} refined, {} "
      "re-ranked, of {} points; {} us at the coordinator, {} us merging, {} us for payloads\n",
      told.strategy(), told.nprobe(), told.lists_probed(), told.rows_scanned(), told.rows_exact(),
      told.rows_refined(), told.rows_reranked(), told.points_total(), told.coordinator_us(),
      told.merge_us(), told.payload_us());
  if (told.has_filter_selectivity()) {
    terminal.out << fmt::format("{} points pass the filter, {:.4f} of all\n", told.filter_points(),
                                told.filter_selectivity());
  }
  if (!told.strategy_reason().empty()) {
    terminal.out << fmt::format("every point was compared: {}\n", told.strategy_reason());
  }
  if (told.has_target_recall()) {
    terminal.out << fmt::format("nprobe was chosen for recall {} as the {} says, under index {}\n",
                                told.target_recall(), told.target_recall_source(),
                                told.index_version());
  }
  if (told.has_target_recall_reached() && !told.target_recall_reached()) {
    terminal.out << "no measured nprobe reaches the recall aimed at: the best within 5 % of the "
                    "points was taken\n";
  }
  Table table({"SHARD", "LSN", "QUEUE us", "COARSE us", "SCAN us", "REFINE us", "RERANK us",
               "TOTAL us", "LISTS", "SCANNED", "EXACT", "REFINED", "RERANKED"});
  for (const v1::ShardExplanation& shard : told.shards()) {
    table.Add({std::to_string(shard.shard()), std::to_string(shard.lsn()),
               std::to_string(shard.queue_us()), std::to_string(shard.coarse_us()),
               std::to_string(shard.scan_us()), std::to_string(shard.refine_us()),
               std::to_string(shard.rerank_us()), std::to_string(shard.total_us()),
               std::to_string(shard.lists_probed()), std::to_string(shard.rows_scanned()),
               std::to_string(shard.rows_exact()), std::to_string(shard.rows_refined()),
               std::to_string(shard.rows_reranked())});
  }
  table.Print(terminal.out);
}

void PrintAnswer(const v1::SearchResponse& answer, const Json& json, const Options& options,
                 Terminal& terminal) {
  PrintHits(json, options, terminal);
  terminal.out << fmt::format(
      "{} hits, {} scores, coverage {:.4f}, {}\n", answer.hits_size(),
      ScoreKindName(answer.score_kind()), answer.coverage().ratio(),
      answer.index_version().empty() ? "exact search" : "index version " + answer.index_version());
  for (const std::string& reason : answer.degraded()) {
    terminal.out << fmt::format("degraded: {}\n", reason);
  }
  if (options.explain) PrintExplanation(answer.explanation(), terminal);
}

absl::Status Run(const Options& options, Terminal& terminal) {
  v1::SearchRequest request;
  request.set_collection(options.collection);
  KITH_RETURN_IF_ERROR(SetQuery(options, request));
  *request.mutable_parameters() = ParametersOf(options);
  if (!options.filter.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_parameters()->mutable_filter(),
                          ParseFilter(options.filter));
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  auto type = ElementType::kF32;
  if (options.with_vector) {
    KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                          FetchCollection(channel, options.collection));
    KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
    type = schema.element_type;
  }
  const auto stub = v1::Search::NewStub(channel);
  v1::SearchResponse answer;
  const auto deadline = std::chrono::milliseconds(options.deadline_ms);
  KITH_RETURN_IF_ERROR(CallServer(deadline, [&](grpc::ClientContext* context) {
    return stub->Search(context, request, &answer);
  }));
  KITH_ASSIGN_OR_RETURN(const Json json, AnswerJson(answer, options, type));
  if (options.json != "-") PrintAnswer(answer, json, options, terminal);
  return WriteJson(json, options.json, terminal);
}

void AddParameters(CLI::App& command, Options& options) {
  command.add_option("--limit", options.limit, "Hits, 1 to 10,000 (10)");
  auto* nprobe = command.add_option("--nprobe", options.nprobe, "Lists to scan");
  auto* recall = command.add_option("--target-recall", options.target_recall,
                                    "0.5 to 0.999: as many lists as that takes");
  auto* exact = command.add_flag("--exact", options.exact, "Compare with every point");
  nprobe->excludes(recall)->excludes(exact);
  recall->excludes(exact);
  command.add_option("--max-distance", options.max_distance, "l2: only hits at most this far");
  command.add_option("--min-score", options.min_score, "ip, cosine: only hits this near");
  command.add_option("--min-coverage", options.min_coverage,
                     "Take an answer that searched this share of the points (1.0)");
  command.add_option("--filter", options.filter,
                     "JSON of a kith.v1.Filter: only points that pass it");
  command.add_option("--refine", options.refine, "Candidates looked at a second time");
  command.add_option("--rerank", options.rerank, "Candidates compared exactly");
  command.add_flag("--batch-priority", options.is_batch, "Let others' searches go first");
  command.add_flag("--with-payload", options.with_payload, "Payloads of the hits");
  command.add_flag("--with-vector", options.with_vector, "Vectors of the hits");
  command.add_flag("--explain", options.explain, "What the search did, and how long it took");
  command.add_option("--deadline-ms", options.deadline_ms, "At most so long")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, limits::kDeadlineMsMax));
}

}  // namespace

void AddSearchCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("search", "Find the nearest points");
  command->add_option("NAME", options->collection, "The collection")->required();
  AddEndpoint(*command, options->endpoint);
  AddVectorInput(*command, options->vector);
  command->add_option("--id", options->id, "The stored vector of this point");
  command->add_option("--queries", options->queries, "A file of vectors; --row picks one");
  AddParameters(*command, *options);
  AddJson(*command, options->json);
  command->footer(
      "Examples:\n"
      "  kith search faces --vector \"0.1,0.2,0.3\" --limit 5 --with-payload\n"
      "  kith search sift --queries sift1m.query.u8bin --row 12 --target-recall 0.99 --explain\n"
      "  kith search faces --id 7 --json -\n"
      "  kith search shop --id 7 \\\n"
      "      --filter '{\"match\": {\"field\": \"color\", \"value\": {\"keyword\": \"red\"}}}'");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
