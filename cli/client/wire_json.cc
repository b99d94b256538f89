#include "cli/client/wire.h"

namespace kith::cli {
namespace {

Json ToJson(const v1::MemoryByPart& memory) {
  return {{"codes", memory.codes()},           {"refine", memory.refine()},
          {"quantizer", memory.quantizer()},   {"rows", memory.rows()},
          {"tombstones", memory.tombstones()}, {"payload_index", memory.payload_index()}};
}

Json ToJson(const v1::IndexParameters& index) {
  return {{"lists", index.lists()},
          {"subspaces", index.subspaces()},
          {"plane_b_bytes", index.plane_b_bytes()},
          {"target_recall", index.target_recall()},
          {"expected_points", index.expected_points()}};
}

Json Sentences(const google::protobuf::RepeatedPtrField<std::string>& sentences) {
  Json all = Json::array();
  for (const std::string& sentence : sentences) all.push_back(sentence);
  return all;
}

}  // namespace

std::string_view FieldTypeName(v1::FieldType type) {
  switch (type) {
    case v1::FIELD_TYPE_KEYWORD:
      return "keyword";
    case v1::FIELD_TYPE_INTEGER:
      return "integer";
    case v1::FIELD_TYPE_DOUBLE:
      return "double";
    case v1::FIELD_TYPE_BOOLEAN:
      return "boolean";
    default:
      return "unknown";
  }
}

std::string_view FieldStateName(v1::PayloadField::State state) {
  switch (state) {
    case v1::PayloadField::STATE_BUILDING:
      return "building";
    case v1::PayloadField::STATE_DROPPING:
      return "dropping";
    default:
      return "ready";
  }
}

std::string_view StatusName(v1::Collection::Status status) {
  switch (status) {
    case v1::Collection::STATUS_GREEN:
      return "green";
    case v1::Collection::STATUS_YELLOW:
      return "yellow";
    case v1::Collection::STATUS_RED:
      return "red";
    default:
      return "unknown";
  }
}

std::string_view StateName(v1::Operation::State state) {
  switch (state) {
    case v1::Operation::STATE_RUNNING:
      return "running";
    case v1::Operation::STATE_SUCCEEDED:
      return "succeeded";
    case v1::Operation::STATE_FAILED:
      return "failed";
    case v1::Operation::STATE_CANCELLED:
      return "cancelled";
    default:
      return "unknown";
  }
}

Json ToJson(const google::protobuf::RepeatedPtrField<v1::RecallPoint>& curve) {
  Json recall = Json::array();
  for (const v1::RecallPoint& point : curve) {
    recall.push_back({{"nprobe", point.nprobe()},
                      {"recall_at_10", point.recall_at_10()},
                      {"scanned_share", point.scanned_share()},
                      {"refine", point.refine()},
                      {"stop_ratio", point.stop_ratio()}});
  }
  return recall;
}

Json ToJson(const v1::RecallAtTarget& measure) {
  return {{"version", measure.version()},
          {"target_recall", measure.target_recall()},
          {"nprobe", measure.nprobe()},
          {"refine", measure.refine()},
          {"recall_at_10", measure.recall_at_10()},
          {"scanned_share", measure.scanned_share()}};
}

Json ToJson(const v1::RecallComparison& comparison) {
  return {{"trained", ToJson(comparison.trained())},
          {"serving", ToJson(comparison.serving())},
          {"recall_gain", comparison.recall_gain()},
          {"tolerance", comparison.tolerance()}};
}

Json ToJson(const v1::IndexHealth& health) {
  return {{"drift_ratio", health.drift_ratio()},
          {"imbalance_ratio", health.imbalance_ratio()},
          {"large_lists_ratio", health.large_lists_ratio()},
          {"dead_ratio", health.dead_ratio()},
          {"growth_ratio", health.growth_ratio()}};
}

Json ToJson(const v1::PayloadField& field) {
  return {{"name", field.name()},
          {"type", FieldTypeName(field.type())},
          {"state", FieldStateName(field.state())},
          {"built_ratio",
           field.state() == v1::PayloadField::STATE_BUILDING ? field.built_ratio() : 1.0}};
}

Json ToJson(const v1::Collection& collection) {
  const Json is_reached =
      collection.has_target_recall_reached() ? Json(collection.target_recall_reached()) : Json();
  Json reasons = Json::array();
  for (const std::string& reason : collection.reasons()) reasons.push_back(reason);
  Json aliases = Json::array();
  for (const std::string& alias : collection.aliases()) aliases.push_back(alias);
  Json fields = Json::array();
  for (const v1::PayloadField& field : collection.payload_fields()) fields.push_back(ToJson(field));
  const absl::StatusOr<VectorSchema> schema = SchemaOf(collection);
  return {{"collection", collection.collection()},
          {"payload_fields", fields},
          {"description", collection.description()},
          {"aliases", aliases},
          {"etag", collection.etag()},
          {"dimension", collection.dimension()},
          {"metric", schema.ok() ? NameOf(schema->metric) : "unknown"},
          {"dtype", schema.ok() ? NameOf(schema->element_type) : "unknown"},
          {"shards", collection.shards()},
          {"index", ToJson(collection.index())},
          {"incarnation", collection.incarnation()},
          {"points", collection.points()},
          {"indexed_points", collection.indexed_points()},
          {"serving_version", collection.serving_version()},
          {"recall", ToJson(collection.recall())},
          {"target_recall_reached", is_reached},
          {"health", collection.has_health() ? ToJson(collection.health()) : Json()},
          {"status", StatusName(collection.status())},
          {"reasons", reasons},
          {"memory", ToJson(collection.memory())},
          {"disk_bytes", collection.disk_bytes()},
          {"created_unix_ms", collection.created_unix_ms()}};
}

Json ToJson(const v1::PlanCollectionResponse& plan) {
  return {{"lists", plan.lists()},
          {"subspaces", plan.subspaces()},
          {"plane_b_bytes", plan.plane_b_bytes()},
          {"sample_points", plan.sample_points()},
          {"steady", ToJson(plan.steady())},
          {"steady_bytes", plan.steady_bytes()},
          {"retrain_peak_bytes", plan.retrain_peak_bytes()},
          {"disk_bytes", plan.disk_bytes()},
          {"bytes_per_vector", plan.bytes_per_vector()},
          {"fits", plan.fits()},
          {"why_not", plan.why_not()},
          {"chosen", Sentences(plan.chosen())}};
}

Json ToJson(const v1::Operation& operation) {
  return {{"id", operation.id()},
          {"kind", operation.kind()},
          {"collection", operation.collection()},
          {"state", StateName(operation.state())},
          {"stage", operation.stage()},
          {"progress", operation.progress()},
          {"error_reason", operation.error_reason()},
          {"error_message", operation.error_message()},
          {"started_unix_ms", operation.started_unix_ms()},
          {"ended_unix_ms", operation.ended_unix_ms()},
          {"result", operation.result()},
          {"chosen", Sentences(operation.chosen())},
          {"promoted", operation.has_promoted() ? Json(operation.promoted()) : Json()},
          {"not_promoted_reason", operation.not_promoted_reason()},
          {"comparison", operation.has_comparison() ? ToJson(operation.comparison()) : Json()}};
}

Json ToJson(const v1::Coverage& coverage) {
  Json failed = Json::array();
  for (const v1::ShardFailure& failure : coverage.failed()) {
    failed.push_back(
        {{"shard", failure.shard()}, {"reason", failure.reason()}, {"message", failure.message()}});
  }
  return {{"ratio", coverage.ratio()},
          {"points_searched", coverage.points_searched()},
          {"points_total", coverage.points_total()},
          {"shards_ok", coverage.shards_ok()},
          {"shards_total", coverage.shards_total()},
          {"failed", failed}};
}

Json ToJson(const v1::Explanation& explanation) {
  Json shards = Json::array();
  for (const v1::ShardExplanation& shard : explanation.shards()) {
    shards.push_back({{"shard", shard.shard()},
                      {"lsn", shard.lsn()},
                      {"queue_us", shard.queue_us()},
                      {"coarse_us", shard.coarse_us()},
                      {"scan_us", shard.scan_us()},
                      {"refine_us", shard.refine_us()},
                      {"rerank_us", shard.rerank_us()},
                      {"total_us", shard.total_us()},
                      {"points", shard.points()},
                      {"lists_probed", shard.lists_probed()},
                      {"rows_scanned", shard.rows_scanned()},
                      {"rows_exact", shard.rows_exact()},
                      {"rows_refined", shard.rows_refined()},
                      {"rows_reranked", shard.rows_reranked()}});
  }
  const Json is_reached =
      explanation.has_target_recall_reached() ? Json(explanation.target_recall_reached()) : Json();
  return {{"strategy", explanation.strategy()},
          {"strategy_reason", explanation.strategy_reason()},
          {"target_recall_reached", is_reached},
          {"target_recall",
           explanation.has_target_recall() ? Json(explanation.target_recall()) : Json()},
          {"target_recall_source", explanation.target_recall_source()},
          {"index_version", explanation.index_version()},
          {"nprobe", explanation.nprobe()},
          {"refine", explanation.refine()},
          {"stop_ratio", explanation.stop_ratio()},
          {"rerank", explanation.rerank()},
          {"lists_probed", explanation.lists_probed()},
          {"rows_scanned", explanation.rows_scanned()},
          {"rows_exact", explanation.rows_exact()},
          {"rows_refined", explanation.rows_refined()},
          {"rows_reranked", explanation.rows_reranked()},
          {"points_total", explanation.points_total()},
          {"coordinator_us", explanation.coordinator_us()},
          {"merge_us", explanation.merge_us()},
          {"payload_us", explanation.payload_us()},
          {"range_rounds", explanation.range_rounds()},
          {"points_within", explanation.points_within()},
          {"shards", shards}};
}

}  // namespace kith::cli
