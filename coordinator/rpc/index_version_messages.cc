#include "coordinator/rpc/index_version_messages.h"

namespace kith::coordinator::rpc {
namespace {

v1::IndexVersion::State StateToProto(IndexVersionState state) {
  switch (state) {
    case IndexVersionState::kServing:
      return v1::IndexVersion::STATE_SERVING;
    case IndexVersionState::kPrevious:
      return v1::IndexVersion::STATE_PREVIOUS;
    case IndexVersionState::kWaiting:
      return v1::IndexVersion::STATE_WAITING;
  }
  return v1::IndexVersion::STATE_UNSPECIFIED;
}

void MeasureToProto(const RecallMeasure& measure, double target_recall, v1::RecallAtTarget* to) {
  to->set_target_recall(target_recall);
  to->set_nprobe(measure.nprobe);
  to->set_refine(measure.refine);
  to->set_recall_at_10(measure.recall_at_10);
  to->set_scanned_share(measure.scanned_share);
}

void ShardToProto(const IndexVersionShard& shard, v1::IndexVersionShard* to) {
  to->set_shard(shard.placement.shard);
  to->set_node(shard.placement.node);
  to->set_ready(shard.not_ready_reason.empty());
  to->set_message(shard.not_ready_reason);
  to->set_indexed_rows(shard.indexed_rows);
  to->set_total_rows(shard.total_rows);
  HealthToProto(shard.health, to->mutable_health());
}

void VersionToProto(const IndexVersionView& view, v1::IndexVersion* to) {
  const IndexVersionRecord& record = view.record;
  to->set_version(record.version);
  to->set_state(StateToProto(view.state));
  to->mutable_index()->set_lists(record.lists);
  to->mutable_index()->set_subspaces(record.subspaces);
  to->mutable_index()->set_plane_b_bytes(record.plane_b_bytes);
  to->mutable_index()->set_target_recall(record.target_recall);
  to->set_trained_points(record.trained_points);
  to->set_trained_unix_ms(record.trained_unix_ms);
  CurveToProto(record.recall, to->mutable_recall());
  if (!record.recall.empty()) {
    to->mutable_at_target()->set_version(record.version);
    MeasureToProto(view.at_target, view.target_recall, to->mutable_at_target());
  }
  if (record.comparison.has_value()) {
    ComparisonToProto(*record.comparison, record.version, to->mutable_comparison());
  }
  HealthToProto(view.health, to->mutable_health());
  for (const IndexVersionShard& shard : view.shards) ShardToProto(shard, to->add_shards());
}

}  // namespace

void CurveToProto(const std::vector<RecallMeasure>& curve,
                  google::protobuf::RepeatedPtrField<v1::RecallPoint>* to) {
  for (const RecallMeasure& measure : curve) {
    v1::RecallPoint* const point = to->Add();
    point->set_nprobe(measure.nprobe);
    point->set_recall_at_10(measure.recall_at_10);
    point->set_scanned_share(measure.scanned_share);
    point->set_refine(measure.refine);
    point->set_stop_ratio(measure.stop_ratio);
  }
}

void HealthToProto(const IndexHealth& health, v1::IndexHealth* to) {
  to->set_drift_ratio(health.drift_ratio);
  to->set_imbalance_ratio(health.imbalance_ratio);
  to->set_large_lists_ratio(health.large_lists_ratio);
  to->set_dead_ratio(health.dead_ratio);
  to->set_growth_ratio(health.growth_ratio);
}

void ComparisonToProto(const RecallComparison& comparison, const std::string& trained,
                       v1::RecallComparison* to) {
  to->mutable_trained()->set_version(trained);
  MeasureToProto(comparison.trained, comparison.target_recall, to->mutable_trained());
  to->mutable_serving()->set_version(comparison.serving_version);
  MeasureToProto(comparison.serving, comparison.target_recall, to->mutable_serving());
  to->set_recall_gain(comparison.recall_gain);
  to->set_tolerance(comparison.tolerance);
}

void VersionsToProto(const IndexVersionViews& views, v1::ListIndexVersionsResponse* to) {
  for (const IndexVersionView& view : views) VersionToProto(view, to->add_versions());
}

}  // namespace kith::coordinator::rpc
