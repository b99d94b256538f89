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
#include "cli/commands/search_output.h"
#include "cli/console/json_output.h"
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
  std::vector<std::string> positive, negative;
  std::string strategy = "average";
  std::string filter;
  std::string group_by;
  std::optional<uint32_t> group_size;
  std::string page_token;
  std::optional<uint32_t> page_depth;
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

// Ids, or vectors in brackets.
absl::Status AddExamples(const std::vector<std::string>& given, std::string_view option,
                         google::protobuf::RepeatedPtrField<v1::Example>* examples) {
  for (const std::string& text : given) {
    v1::Example* const example = examples->Add();
    if (!text.empty() && text.front() == '[') {
      KITH_ASSIGN_OR_RETURN(const std::vector<float> values, ParseNumbers(text, option));
      example->mutable_vector()->mutable_values()->Add(values.begin(), values.end());
    } else {
      KITH_ASSIGN_OR_RETURN(*example->mutable_point(), ParseId(text));
    }
  }
  return absl::OkStatus();
}

absl::Status SetExamples(const Options& options, v1::Examples& examples) {
  KITH_RETURN_IF_ERROR(AddExamples(options.positive, "--like", examples.mutable_positive()));
  KITH_RETURN_IF_ERROR(AddExamples(options.negative, "--unlike", examples.mutable_negative()));
  examples.set_strategy(options.strategy == "best-score" ? v1::Examples::STRATEGY_BEST_SCORE
                                                         : v1::Examples::STRATEGY_AVERAGE);
  return absl::OkStatus();
}

absl::Status SetQuery(const Options& options, v1::SearchRequest& request) {
  const bool has_examples = !options.positive.empty() || !options.negative.empty();
  const int given = (options.vector.given() ? 1 : 0) + (options.id.empty() ? 0 : 1) +
                    (options.queries.empty() ? 0 : 1) + (has_examples ? 1 : 0);
  if (given != 1) {
    return UsageError("--vector",
                      "give one of --vector, --vector-file, --id, --queries and --like");
  }
  if (has_examples) return SetExamples(options, *request.mutable_examples());
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

SearchOutput OutputOf(const Options& options) {
  SearchOutput output;
  output.with_payload = options.with_payload;
  output.with_vector = options.with_vector;
  output.explain = options.explain;
  output.is_range = options.max_distance.has_value() || options.min_score.has_value();
  output.has_pages =
      output.is_range || options.page_depth.has_value() || !options.page_token.empty();
  output.group_by = options.group_by;
  return output;
}

absl::Status Run(const Options& options, Terminal& terminal) {
  v1::SearchRequest request;
  request.set_collection(options.collection);
  KITH_RETURN_IF_ERROR(SetQuery(options, request));
  *request.mutable_parameters() = ParametersOf(options);
  request.set_page_token(options.page_token);
  if (options.page_depth) request.set_page_depth(*options.page_depth);
  if (!options.group_by.empty()) {
    request.mutable_group_by()->set_field(options.group_by);
    if (options.group_size) request.mutable_group_by()->set_group_size(*options.group_size);
  }
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
  const SearchOutput output = OutputOf(options);
  KITH_ASSIGN_OR_RETURN(const Json json, SearchJson(answer, output, type));
  if (options.json != "-") PrintSearch(answer, json, output, terminal);
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
  command.add_option("--max-distance", options.max_distance,
                     "l2: all points at most this far, page by page");
  command.add_option("--min-score", options.min_score,
                     "ip, cosine: all points at least this near, page by page");
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

void AddWhatIsAsked(CLI::App& command, Options& options) {
  AddVectorInput(command, options.vector);
  command.add_option("--id", options.id, "The stored vector of this point");
  command.add_option("--queries", options.queries, "A file of vectors; --row picks one");
  command.add_option("--like", options.positive,
                     "Points to be like: ids, or vectors in brackets; several times");
  command.add_option("--unlike", options.negative, "Points to be unlike, likewise");
  command.add_option("--strategy", options.strategy, "How examples make a query")
      ->capture_default_str()
      ->check(CLI::IsMember({"average", "best-score"}));
}

void AddShape(CLI::App& command, Options& options) {
  command.add_option("--group-by", options.group_by,
                     "An indexed payload field: hits by its values, --limit groups");
  command.add_option("--group-size", options.group_size, "Hits of a group, 1 to 100 (3)");
  command.add_option("--page-token", options.page_token, "The next page of the search before");
  command.add_option("--page-depth", options.page_depth,
                     "Hits that the pages are to hold together where the index answers");
}

}  // namespace

void AddSearchCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("search", "Find the nearest points");
  command->add_option("NAME", options->collection, "The collection")->required();
  AddEndpoint(*command, options->endpoint);
  AddWhatIsAsked(*command, *options);
  AddParameters(*command, *options);
  AddShape(*command, *options);
  AddJson(*command, options->json);
  command->footer(
      "Examples:\n"
      "  kith search faces --vector \"0.1,0.2,0.3\" --limit 5 --with-payload\n"
      "  kith search sift --queries sift1m.query.u8bin --row 12 --target-recall 0.99 --explain\n"
      "  kith search faces --id 7 --json -\n"
      "  kith search faces --id 7 --max-distance 0.4 --limit 1000\n"
      "  kith search faces --like 7 --like 12 --unlike 40\n"
      "  kith search shop --id 7 --group-by color --group-size 2\n"
      "  kith search shop --id 7 \\\n"
      "      --filter '{\"match\": {\"field\": \"color\", \"value\": {\"keyword\": \"red\"}}}'");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
