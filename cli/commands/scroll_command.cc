#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/filter_text.h"
#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/export/point_sink.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::cli {
namespace {

struct ScrollOptions {
  std::string endpoint;
  std::string collection;
  uint32_t limit = limits::kPageDefault;
  std::string page_token;
  std::string filter;
  bool with_vector = false;
  bool with_payload = false;
};

absl::Status PrintPoint(const v1::StoredPoint& point, const ScrollOptions& options,
                        ElementType type, Terminal& terminal) {
  if (options.with_vector) {
    KITH_ASSIGN_OR_RETURN(const std::string line, JsonLine(point, type));
    terminal.out << line;
    return absl::OkStatus();
  }
  Json json = {{"id", IdJson(point.id())}, {"version", point.version()}};
  if (!point.payload().empty()) json["payload"] = PayloadJson(point.payload());
  terminal.out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  return absl::OkStatus();
}

absl::Status Scroll(const ScrollOptions& options, Terminal& terminal) {
  v1::ScrollPointsRequest request;
  request.set_collection(options.collection);
  request.set_limit(options.limit);
  request.set_page_token(options.page_token);
  request.set_with_vector(options.with_vector);
  request.set_with_payload(options.with_payload);
  if (!options.filter.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseFilter(options.filter));
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  const auto stub = v1::Points::NewStub(channel);
  v1::ScrollPointsResponse page;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->ScrollPoints(context, request, &page);
  }));
  for (const v1::StoredPoint& point : page.points()) {
    KITH_RETURN_IF_ERROR(PrintPoint(point, options, schema.element_type, terminal));
  }
  if (!page.next_page_token().empty()) {
    terminal.err << fmt::format("kith: there is more: --page-token {}\n", page.next_page_token());
  }
  return absl::OkStatus();
}

struct CountOptions {
  std::string endpoint;
  std::string collection;
  std::string filter;
  std::string json;
};

absl::Status Count(const CountOptions& options, Terminal& terminal) {
  v1::CountPointsRequest request;
  request.set_collection(options.collection);
  if (!options.filter.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseFilter(options.filter));
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  v1::CountPointsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->CountPoints(context, request, &answer);
  }));
  if (options.json != "-") terminal.out << answer.count() << "\n";
  return WriteJson({{"count", answer.count()}}, options.json, terminal);
}

struct FacetOptions {
  std::string endpoint;
  std::string collection;
  std::string field;
  std::string filter;
  uint32_t limit = limits::kFacetLimitDefault;
  std::string json;
};

Json ValueJson(const v1::FieldValue& value) {
  switch (value.value_case()) {
    case v1::FieldValue::kInteger:
      return value.integer();
    case v1::FieldValue::kNumber:
      return value.number();
    case v1::FieldValue::kBoolean:
      return value.boolean();
    default:
      return value.keyword();
  }
}

absl::Status Facet(const FacetOptions& options, Terminal& terminal) {
  v1::FacetPointsRequest request;
  request.set_collection(options.collection);
  request.set_field(options.field);
  request.set_limit(options.limit);
  if (!options.filter.empty()) {
    KITH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseFilter(options.filter));
  }
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Points::NewStub(channel);
  v1::FacetPointsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->FacetPoints(context, request, &answer);
  }));
  Json values = Json::array();
  for (const v1::FacetValue& one : answer.values()) {
    const Json value = ValueJson(one.value());
    values.push_back({{"value", value}, {"count", one.count()}});
    if (options.json == "-") continue;
    terminal.out << fmt::format("{:>10}  {}\n", one.count(),
                                value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  const auto left = answer.distinct() - static_cast<uint64_t>(answer.values_size());
  if (left > 0) terminal.err << fmt::format("kith: {} values more: --limit\n", left);
  return WriteJson({{"values", std::move(values)}, {"distinct", answer.distinct()}}, options.json,
                   terminal);
}

void AddFilter(CLI::App& command, std::string& filter) {
  command.add_option("--filter", filter, "JSON of a filter: only points that pass it");
}

void AddFacetCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<FacetOptions>();
  CLI::App* facet =
      app.add_subcommand("facet", "Print the values of a field and how many points have each");
  facet->add_option("NAME", options->collection, "The collection")->required();
  facet->add_option("FIELD", options->field, "One of its payload fields")->required();
  AddEndpoint(*facet, options->endpoint);
  AddFilter(*facet, options->filter);
  facet->add_option("--limit", options->limit, "Values, the most frequent first")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kFacetLimitMax));
  AddJson(*facet, options->json);
  facet->footer("Example:\n  kith facet shop color --limit 20");
  OnParsed(*facet, action, options, Facet);
}

}  // namespace

void AddScrollCommands(CLI::App& app, Action& action) {
  auto scroll_options = std::make_shared<ScrollOptions>();
  CLI::App* scroll = app.add_subcommand("scroll", "Print a page of points, one JSON object a line");
  scroll->add_option("NAME", scroll_options->collection, "The collection")->required();
  AddEndpoint(*scroll, scroll_options->endpoint);
  scroll->add_option("--limit", scroll_options->limit, "Points of the page")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kPointsPerCallMax));
  scroll->add_option("--page-token", scroll_options->page_token,
                     "Where the page before said that there is more");
  AddFilter(*scroll, scroll_options->filter);
  scroll->add_flag("--with-vector", scroll_options->with_vector,
                   "Their vectors too, as an import reads them");
  scroll->add_flag("--with-payload", scroll_options->with_payload, "Their payloads too");
  scroll->footer("Example:\n  kith scroll faces --limit 20 --with-payload");
  OnParsed(*scroll, action, scroll_options, Scroll);

  auto count_options = std::make_shared<CountOptions>();
  CLI::App* count = app.add_subcommand(
      "count", "Print how many points a collection has, or pass a filter, exactly");
  count->add_option("NAME", count_options->collection, "The collection")->required();
  AddEndpoint(*count, count_options->endpoint);
  AddFilter(*count, count_options->filter);
  AddJson(*count, count_options->json);
  count->footer("Example:\n  kith count faces");
  OnParsed(*count, action, count_options, Count);
  AddFacetCommand(app, action);
}

}  // namespace kith::cli
