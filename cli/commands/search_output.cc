#include "cli/commands/search_output.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "cli/client/wire.h"
#include "cli/console/table.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

std::string_view ScoreKindName(v1::ScoreKind kind) {
  return kind == v1::SCORE_KIND_EXACT       ? "exact"
         : kind == v1::SCORE_KIND_QUANTIZED ? "quantized"
                                            : "unknown";
}

std::string_view CompletenessName(v1::Completeness completeness) {
  switch (completeness) {
    case v1::COMPLETENESS_EXACT:
      return "exact";
    case v1::COMPLETENESS_TARGET_RECALL:
      return "target_recall";
    case v1::COMPLETENESS_DEPTH:
      return "depth";
    default:
      return "unknown";
  }
}

Json ValueJson(const v1::FieldValue& value) {
  switch (value.value_case()) {
    case v1::FieldValue::kKeyword:
      return value.keyword();
    case v1::FieldValue::kInteger:
      return int64_t{value.integer()};
    case v1::FieldValue::kNumber:
      return value.number();
    case v1::FieldValue::kBoolean:
      return value.boolean();
    case v1::FieldValue::VALUE_NOT_SET:
      break;
  }
  return Json();
}

absl::StatusOr<Json> HitsJson(const google::protobuf::RepeatedPtrField<v1::Hit>& of,
                              const SearchOutput& options, ElementType type) {
  Json hits = Json::array();
  for (const v1::Hit& hit : of) {
    Json json = {{"id", IdJson(hit.id())}, {"score", hit.score()}, {"version", hit.version()}};
    if (options.with_payload) json["payload"] = PayloadJson(hit.payload());
    if (options.with_vector) {
      KITH_ASSIGN_OR_RETURN(const std::vector<float> elements, Elements(hit.vector(), type));
      json["vector"] = elements;
    }
    hits.push_back(std::move(json));
  }
  return hits;
}

void PrintHits(const Json& hits, const SearchOutput& options, Terminal& terminal) {
  std::vector<std::string> titles = {"RANK", "ID", "SCORE"};
  if (options.with_payload) titles.emplace_back("PAYLOAD");
  if (options.with_vector) titles.emplace_back("VECTOR");
  Table table(titles);
  size_t rank = 0;
  for (const Json& hit : hits) {
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
  if (told.range_rounds() > 0) {
    terminal.out << fmt::format("{} points are within, found in {} rounds\n", told.points_within(),
                                told.range_rounds());
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

// How many hits they have.
size_t PrintGroups(const v1::SearchResponse& answer, const Json& groups,
                   const SearchOutput& options, Terminal& terminal) {
  size_t hits = 0;
  for (const Json& group : groups) {
    terminal.out << fmt::format("{} = {}\n", options.group_by, group["value"].dump());
    PrintHits(group["hits"], options, terminal);
    hits += group["hits"].size();
  }
  terminal.out << fmt::format(
      "{} groups, {}: {} nearest points were looked at\n", answer.groups_size(),
      answer.groups_complete() ? "complete" : "not complete", answer.group_candidates());
  return hits;
}

}  // namespace

absl::StatusOr<Json> SearchJson(const v1::SearchResponse& answer, const SearchOutput& options,
                                ElementType type) {
  KITH_ASSIGN_OR_RETURN(Json hits, HitsJson(answer.hits(), options, type));
  Json degraded = Json::array();
  for (const std::string& reason : answer.degraded()) degraded.push_back(reason);
  Json json = {{"hits", std::move(hits)},
               {"score_kind", ScoreKindName(answer.score_kind())},
               {"coverage", ToJson(answer.coverage())},
               {"index_version", answer.index_version()},
               {"degraded", std::move(degraded)},
               {"completeness", CompletenessName(answer.completeness())},
               {"next_page_token", answer.next_page_token()}};
  if (!options.group_by.empty()) {
    Json groups = Json::array();
    for (const v1::HitGroup& group : answer.groups()) {
      KITH_ASSIGN_OR_RETURN(Json of_group, HitsJson(group.hits(), options, type));
      groups.push_back({{"value", ValueJson(group.value())}, {"hits", std::move(of_group)}});
    }
    json["groups"] = std::move(groups);
    json["group_candidates"] = answer.group_candidates();
    json["groups_complete"] = answer.groups_complete();
  }
  if (options.explain) json["explanation"] = ToJson(answer.explanation());
  return json;
}

void PrintSearch(const v1::SearchResponse& answer, const Json& json, const SearchOutput& options,
                 Terminal& terminal) {
  size_t hits = json["hits"].size();
  if (options.group_by.empty()) {
    PrintHits(json["hits"], options, terminal);
  } else {
    hits = PrintGroups(answer, json["groups"], options, terminal);
  }
  terminal.out << fmt::format(
      "{} hits, {} scores, coverage {:.4f}, {}\n", hits, ScoreKindName(answer.score_kind()),
      answer.coverage().ratio(),
      answer.index_version().empty() ? "exact search" : "index version " + answer.index_version());
  if (options.is_range) {
    terminal.out << fmt::format("completeness of the range: {}\n",
                                CompletenessName(answer.completeness()));
  }
  if (options.has_pages && !answer.next_page_token().empty()) {
    terminal.out << fmt::format("next page: --page-token {}\n", answer.next_page_token());
  }
  for (const std::string& reason : answer.degraded()) {
    terminal.out << fmt::format("degraded: {}\n", reason);
  }
  if (options.explain) PrintExplanation(answer.explanation(), terminal);
}

}  // namespace kith::cli
