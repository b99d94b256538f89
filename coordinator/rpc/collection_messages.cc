#include "coordinator/rpc/collection_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/filter_messages.h"
#include "coordinator/rpc/index_version_messages.h"

namespace kith::coordinator::rpc {
namespace {

Metric MetricFromProto(v1::Metric metric) {
  switch (metric) {
    case v1::METRIC_L2:
      return Metric::kL2;
    case v1::METRIC_INNER_PRODUCT:
      return Metric::kInnerProduct;
    case v1::METRIC_COSINE:
      return Metric::kCosine;
    default:
      return Metric{};
  }
}

v1::Metric MetricToProto(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return v1::METRIC_L2;
    case Metric::kInnerProduct:
      return v1::METRIC_INNER_PRODUCT;
    case Metric::kCosine:
      return v1::METRIC_COSINE;
  }
  return v1::METRIC_UNSPECIFIED;
}

ElementType TypeFromProto(v1::ElementType type) {
  switch (type) {
    case v1::ELEMENT_TYPE_F32:
      return ElementType::kF32;
    case v1::ELEMENT_TYPE_F16:
      return ElementType::kF16;
    case v1::ELEMENT_TYPE_U8:
      return ElementType::kU8;
    default:
      return ElementType{};
  }
}

v1::ElementType TypeToProto(ElementType type) {
  switch (type) {
    case ElementType::kF32:
      return v1::ELEMENT_TYPE_F32;
    case ElementType::kF16:
      return v1::ELEMENT_TYPE_F16;
    case ElementType::kU8:
      return v1::ELEMENT_TYPE_U8;
  }
  return v1::ELEMENT_TYPE_UNSPECIFIED;
}

IndexChoice IndexFromProto(const v1::IndexParameters& index) {
  return {index.lists(), index.subspaces(), index.plane_b_bytes(), index.target_recall(),
          index.expected_points()};
}

// What serves, where something does; else what was asked for.
void IndexToProto(const CollectionRecord& record, v1::IndexParameters* to) {
  to->set_lists(record.trained_lists != 0 ? record.trained_lists : record.lists);
  to->set_subspaces(record.trained_subspaces != 0 ? record.trained_subspaces : record.subspaces);
  to->set_plane_b_bytes(record.trained_plane_b_bytes != 0 ? record.trained_plane_b_bytes
                                                          : record.plane_b_bytes);
  to->set_target_recall(record.target_recall);
  to->set_expected_points(record.expected_points);
}

void MemoryToProto(const MemoryByPart& memory, v1::MemoryByPart* to) {
  to->set_codes(memory.codes);
  to->set_refine(memory.refine);
  to->set_quantizer(memory.quantizer);
  to->set_rows(memory.rows);
  to->set_tombstones(memory.tombstones);
  to->set_payload_index(memory.payload_index);
}

v1::Collection::Status StatusToProto(CollectionStatus status) {
  switch (status) {
    case CollectionStatus::kGreen:
      return v1::Collection::STATUS_GREEN;
    case CollectionStatus::kYellow:
      return v1::Collection::STATUS_YELLOW;
    case CollectionStatus::kRed:
      return v1::Collection::STATUS_RED;
  }
  return v1::Collection::STATUS_UNSPECIFIED;
}

v1::Operation::State StateToProto(OperationState state) {
  switch (state) {
    case OperationState::kRunning:
      return v1::Operation::STATE_RUNNING;
    case OperationState::kSucceeded:
      return v1::Operation::STATE_SUCCEEDED;
    case OperationState::kFailed:
      return v1::Operation::STATE_FAILED;
    case OperationState::kCancelled:
      return v1::Operation::STATE_CANCELLED;
  }
  return v1::Operation::STATE_UNSPECIFIED;
}

}  // namespace

CreateCollectionCall CreateFromProto(const v1::CreateCollectionRequest& request) {
  CreateCollectionCall call;
  call.collection = request.collection();
  call.dimension = request.dimension();
  call.metric = MetricFromProto(request.metric());
  call.element_type = TypeFromProto(request.element_type());
  call.shards = request.shards();
  call.index = IndexFromProto(request.index());
  call.payload_fields = kith::rpc::SchemaFromProto(request.payload_fields());
  call.description = request.description();
  call.mode = request.validate_only() ? CreateMode::kValidateOnly : CreateMode::kCreate;
  return call;
}

absl::StatusOr<UpdateCollectionCall> UpdateFromProto(const v1::UpdateCollectionRequest& request) {
  static constexpr std::pair<std::string_view, CollectionField> kPaths[] = {
      {"description", CollectionField::kDescription},
      {"index.target_recall", CollectionField::kTargetRecall},
      {"index.expected_points", CollectionField::kExpectedPoints},
      {"index.lists", CollectionField::kLists},
      {"index.subspaces", CollectionField::kSubspaces},
      {"index.plane_b_bytes", CollectionField::kPlaneBBytes}};
  UpdateCollectionCall call;
  call.collection = request.collection();
  call.description = request.description();
  call.index = IndexFromProto(request.index());
  call.etag = request.etag();
  if (request.update_mask().paths_size() > static_cast<int>(std::size(kPaths))) {
    return FieldError("update_mask", reason::kBadRequest, "names more fields than there are");
  }
  for (const std::string& path : request.update_mask().paths()) {
    const auto known = std::find_if(std::begin(kPaths), std::end(kPaths),
                                    [&](const auto& one) { return one.first == path; });
    if (known == std::end(kPaths)) {
      return FieldError("update_mask", reason::kBadRequest,
                        fmt::format("{} is no field that an update changes; those are description "
                                    "and, of index, target_recall, expected_points, lists, "
                                    "subspaces and plane_b_bytes",
                                    path));
    }
    call.fields.push_back(known->second);
  }
  return call;
}

std::vector<AliasChange> AliasChangesFromProto(const v1::ChangeAliasesRequest& request) {
  std::vector<AliasChange> changes;
  for (const v1::AliasChange& change : request.changes()) {
    changes.push_back({change.alias(), change.collection()});
  }
  return changes;
}

void AliasesToProto(const Aliases& aliases, v1::ListAliasesResponse* to) {
  for (const auto& [alias, collection] : aliases) {
    v1::Alias* const message = to->add_aliases();
    message->set_alias(alias);
    message->set_collection(collection);
  }
}

PlanCollectionCall PlanFromProto(const v1::PlanCollectionRequest& request) {
  PlanCollectionCall call;
  call.dimension = request.dimension();
  call.element_type = TypeFromProto(request.element_type());
  call.metric = MetricFromProto(request.metric());
  call.points = request.points();
  call.shards = request.shards();
  call.index = IndexFromProto(request.index());
  call.memory_limit_bytes = request.memory_limit_bytes();
  return call;
}

PayloadIndexCall PayloadIndexFromProto(const v1::CreatePayloadIndexRequest& request) {
  return {request.collection(), request.field(), static_cast<FieldType>(request.type())};
}

TrainCall TrainFromProto(const v1::TrainIndexRequest& request) {
  TrainCall call;
  call.collection = request.collection();
  call.index = IndexFromProto(request.index());
  call.seed = request.seed();
  if (request.has_auto_promote() && !request.auto_promote()) {
    call.promotion.when = PromotionRule::When::kByHand;
  }
  if (request.has_min_recall_gain()) call.promotion.recall_gain_min = request.min_recall_gain();
  return call;
}

void CollectionToProto(const CollectionView& view, v1::Collection* to) {
  const CollectionRecord& record = view.record;
  to->set_collection(record.name);
  to->set_dimension(record.dimension);
  to->set_metric(MetricToProto(record.metric));
  to->set_element_type(TypeToProto(record.element_type));
  to->set_shards(static_cast<uint32_t>(record.shards.size()));
  IndexToProto(record, to->mutable_index());
  to->set_incarnation(record.incarnation.ToString());
  to->set_points(view.points);
  to->set_indexed_points(view.indexed_points);
  to->set_serving_version(record.serving_version);
  CurveToProto(record.recall, to->mutable_recall());
  to->set_status(StatusToProto(view.status));
  for (const std::string& reason : view.reasons) to->add_reasons(reason);
  MemoryToProto(view.memory, to->mutable_memory());
  to->set_disk_bytes(view.disk_bytes);
  to->set_created_unix_ms(record.created_unix_ms);
  kith::rpc::SchemaToProto(record.payload_fields, to->mutable_payload_fields());
  to->set_description(record.description);
  to->set_etag(EtagOf(record));
  for (const std::string& alias : view.aliases) to->add_aliases(alias);
  if (view.is_recall_reached.has_value()) to->set_target_recall_reached(*view.is_recall_reached);
  if (view.health.has_value()) HealthToProto(*view.health, to->mutable_health());
}

void VerificationsToProto(const std::vector<ShardVerification>& verifications,
                          v1::VerifyCollectionResponse* to) {
  to->set_equal(true);
  for (const ShardVerification& verification : verifications) {
    v1::ShardVerification* const shard = to->add_shards();
    shard->set_shard(verification.placement.shard);
    shard->set_node(verification.placement.node);
    if (!verification.is_equal()) to->set_equal(false);
    if (!verification.reply.ok()) {
      shard->set_error_reason(ReasonOf(verification.reply.status()));
      shard->set_error_message(std::string(verification.reply.status().message()));
      continue;
    }
    const VerifyReply& reply = *verification.reply;
    shard->set_points(reply.live_points);
    shard->set_slots_checked(reply.slots_checked);
    shard->set_truth_mismatches(reply.truth_mismatches);
    shard->set_index_mismatches(reply.index_mismatches);
    shard->set_applied_lsn(reply.applied_lsn);
    shard->set_digest(reply.digest);
  }
}

void PlanToProto(const CollectionPlan& plan, v1::PlanCollectionResponse* to) {
  to->set_lists(plan.lists);
  to->set_subspaces(plan.subspaces);
  to->set_plane_b_bytes(plan.plane_b_bytes);
  to->set_sample_points(plan.sample_points);
  MemoryToProto(plan.steady, to->mutable_steady());
  to->set_steady_bytes(plan.steady_bytes);
  to->set_retrain_peak_bytes(plan.retrain_peak_bytes);
  to->set_disk_bytes(plan.disk_bytes);
  to->set_bytes_per_vector(plan.bytes_per_vector);
  to->set_fits(plan.fits);
  to->set_why_not(plan.why_not);
  for (const std::string& sentence : plan.chosen) to->add_chosen(sentence);
}

void OperationToProto(const Operation& operation, v1::Operation* to) {
  to->set_id(operation.id);
  to->set_kind(operation.kind);
  to->set_collection(operation.collection);
  to->set_state(StateToProto(operation.state));
  to->set_stage(operation.stage);
  to->set_progress(operation.progress);
  to->set_error_reason(operation.error_reason);
  to->set_error_message(operation.error_message);
  to->set_started_unix_ms(operation.started_unix_ms);
  to->set_ended_unix_ms(operation.ended_unix_ms);
  to->set_result(operation.result);
  for (const std::string& sentence : operation.chosen) to->add_chosen(sentence);
  if (operation.duplicates.has_value()) {
    const DuplicatesOutcome& outcome = *operation.duplicates;
    v1::DuplicatesOutcome* const duplicates = to->mutable_duplicates();
    duplicates->set_clusters(outcome.clusters);
    duplicates->set_points(outcome.points);
    duplicates->set_points_compared(outcome.points_compared);
    duplicates->set_points_crowded(outcome.points_crowded);
    duplicates->set_truncated(outcome.is_truncated);
  }
  if (!operation.training.has_value()) return;
  const TrainingOutcome& training = *operation.training;
  to->set_promoted(training.not_promoted_reason.empty());
  to->set_not_promoted_reason(training.not_promoted_reason);
  if (training.comparison.has_value()) {
    ComparisonToProto(*training.comparison, operation.result, to->mutable_comparison());
  }
}

}  // namespace kith::coordinator::rpc
