#include "common/rpc/shard_admin_messages.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/rpc/filter_messages.h"
#include "common/rpc/status_codes.h"
#include "common/rpc/wire_shape.h"

namespace kith::rpc {
namespace {

// Non-empty half-open ranges, ascending and apart, of slots that there are.
absl::StatusOr<std::vector<std::pair<uint32_t, uint32_t>>> SlotsFromWire(const v1::ShardSpec& in) {
  if (in.slot_begins_size() != in.slot_ends_size()) {
    return ShapeError("slot_ends", "is not as long as slot_begins");
  }
  if (in.slot_begins_size() == 0 || in.slot_begins_size() > static_cast<int>(limits::kSlots)) {
    return ShapeError("slot_begins", fmt::format("has {} ranges, expected 1 to {}",
                                                 in.slot_begins_size(), limits::kSlots));
  }
  std::vector<std::pair<uint32_t, uint32_t>> slots;
  uint32_t least = 0;
  for (int i = 0; i < in.slot_begins_size(); ++i) {
    const uint32_t begin = in.slot_begins(i);
    const uint32_t end = in.slot_ends(i);
    if (begin < least || end <= begin || end > limits::kSlots) {
      return ShapeError("slot_begins", fmt::format("range {} ({} to {}) is empty, out of order or "
                                                   "beyond slot {}",
                                                   i, begin, end, limits::kSlots));
    }
    slots.emplace_back(begin, end);
    least = end;
  }
  return slots;
}

// All places of a schema: one without a name is free.
using FieldMessages = google::protobuf::RepeatedPtrField<v1::PayloadField>;

void PlacesToWire(const PayloadSchema& schema, FieldMessages* to) {
  for (const PayloadField& field : schema) {
    v1::PayloadField* const message = to->Add();
    if (!field.is_indexed()) continue;
    message->set_name(field.name);
    message->set_type(static_cast<v1::FieldType>(field.type));
  }
}

absl::StatusOr<PayloadSchema> PlacesFromWire(const FieldMessages& fields) {
  PayloadSchema schema;
  for (const v1::PayloadField& field : fields) {
    if (field.name().empty()) {
      schema.push_back({"", FieldType::kKeyword, FieldState::kFree});
    } else {
      schema.push_back({field.name(), static_cast<FieldType>(field.type())});
    }
  }
  KITH_RETURN_IF_ERROR(CheckSchema(schema));
  return schema;
}

void FieldToWire(const FieldStat& field, v1::ShardFieldState* to) {
  to->set_name(field.name);
  to->set_type(static_cast<v1::FieldType>(field.type));
  to->set_state(static_cast<uint32_t>(field.state));
  to->set_built_rows(field.built_rows);
  to->set_total_rows(field.total_rows);
  to->set_misfits(field.misfits);
  to->set_first_misfit(field.first_misfit);
}

FieldStat FieldFromWire(const v1::ShardFieldState& in) {
  return {in.name(),
          static_cast<FieldType>(in.type()),
          static_cast<FieldState>(in.state()),
          in.built_rows(),
          in.total_rows(),
          in.misfits(),
          in.first_misfit()};
}

v1::Metric MetricToWire(Metric metric) { return static_cast<v1::Metric>(metric); }
v1::ElementType ElementTypeToWire(ElementType type) { return static_cast<v1::ElementType>(type); }

}  // namespace

v1::ShardSpec ToProto(const ShardSpec& spec) {
  v1::ShardSpec out;
  out.set_shard(spec.shard);
  out.set_collection(spec.collection);
  out.set_incarnation(std::string(spec.incarnation.view()));
  out.set_dimension(spec.dimension);
  out.set_metric(MetricToWire(spec.metric));
  out.set_element_type(ElementTypeToWire(spec.element_type));
  for (const auto& [begin, end] : spec.slots) {
    out.add_slot_begins(begin);
    out.add_slot_ends(end);
  }
  PlacesToWire(spec.payload_fields, out.mutable_payload_fields());
  return out;
}

absl::StatusOr<ShardSpec> FromProto(const v1::ShardSpec& in) {
  ShardSpec spec;
  spec.shard = in.shard();
  spec.collection = in.collection();
  if (spec.collection.size() > limits::kCollectionNameBytesMax) {
    return ShapeError("collection",
                      fmt::format("has {} bytes, at most {} are taken", spec.collection.size(),
                                  limits::kCollectionNameBytesMax));
  }
  KITH_ASSIGN_OR_RETURN(spec.incarnation, UuidFromWire("incarnation", in.incarnation()));
  spec.dimension = in.dimension();
  if (spec.dimension < 1 || spec.dimension > limits::kDimensionMax) {
    return ShapeError("dimension",
                      fmt::format("{} is outside 1 to {}", spec.dimension, limits::kDimensionMax));
  }
  KITH_ASSIGN_OR_RETURN(spec.metric, MetricFromWire(in.metric()));
  KITH_ASSIGN_OR_RETURN(spec.element_type, ElementTypeFromWire(in.element_type()));
  KITH_ASSIGN_OR_RETURN(spec.slots, SlotsFromWire(in));
  KITH_ASSIGN_OR_RETURN(spec.payload_fields, PlacesFromWire(in.payload_fields()));
  return spec;
}

v1::ShardSetFieldsCall ToProto(const SetFieldsCall& call) {
  v1::ShardSetFieldsCall out;
  out.set_shard(call.shard);
  out.set_incarnation(std::string(call.incarnation.view()));
  out.set_revision(call.revision);
  PlacesToWire(call.fields, out.mutable_payload_fields());
  return out;
}

absl::StatusOr<SetFieldsCall> FromProto(const v1::ShardSetFieldsCall& in) {
  SetFieldsCall call;
  call.shard = in.shard();
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  call.revision = in.revision();
  KITH_ASSIGN_OR_RETURN(call.fields, PlacesFromWire(in.payload_fields()));
  return call;
}

v1::ShardStat ToProto(ShardStat&& stat) {
  v1::ShardStat out;
  out.set_ready(stat.ready);
  out.set_not_ready_reason(std::move(stat.not_ready_reason));
  out.set_epoch(stat.epoch);
  out.set_applied_lsn(stat.applied_lsn);
  out.set_live_points(stat.live_points);
  out.set_rows(stat.rows);
  for (IndexState& index : stat.indexes) {
    v1::ShardIndexState* to = out.add_indexes();
    to->set_version(std::move(index.version));
    to->set_ready(index.ready);
    to->set_indexed_rows(index.indexed_rows);
    to->set_total_rows(index.total_rows);
    to->set_out_of_range_rows(index.out_of_range_rows);
    to->set_lists(index.lists);
    to->set_list_rows(index.list_rows);
    to->set_list_rows_max(index.list_rows_max);
    to->set_large_list_rows(index.large_list_rows);
    to->set_dead_rows(index.dead_rows);
  }
  out.mutable_memory()->set_codes(stat.memory.codes);
  out.mutable_memory()->set_refine(stat.memory.refine);
  out.mutable_memory()->set_quantizer(stat.memory.quantizer);
  out.mutable_memory()->set_rows(stat.memory.rows);
  out.mutable_memory()->set_tombstones(stat.memory.tombstones);
  out.mutable_memory()->set_payload_index(stat.memory.payload_index);
  out.set_disk_bytes(stat.disk_bytes);
  out.set_incarnation(std::string(stat.incarnation.view()));
  out.set_fields_revision(stat.fields_revision);
  for (const FieldStat& field : stat.fields) FieldToWire(field, out.add_fields());
  return out;
}

absl::StatusOr<ShardStat> FromProto(v1::ShardStat&& in) {
  ShardStat stat;
  stat.ready = in.ready();
  stat.not_ready_reason = std::move(*in.mutable_not_ready_reason());
  stat.epoch = in.epoch();
  stat.applied_lsn = in.applied_lsn();
  stat.live_points = in.live_points();
  stat.rows = in.rows();
  for (const v1::ShardIndexState& index : in.indexes()) {
    stat.indexes.push_back({index.version(), index.ready(), index.indexed_rows(),
                            index.total_rows(), index.out_of_range_rows(), index.lists(),
                            index.list_rows(), index.list_rows_max(), index.large_list_rows(),
                            index.dead_rows()});
  }
  stat.memory = {in.memory().codes(), in.memory().refine(),     in.memory().quantizer(),
                 in.memory().rows(),  in.memory().tombstones(), in.memory().payload_index()};
  stat.disk_bytes = in.disk_bytes();
  KITH_ASSIGN_OR_RETURN(stat.incarnation, UuidFromWire("incarnation", in.incarnation()));
  stat.fields_revision = in.fields_revision();
  for (const v1::ShardFieldState& field : in.fields()) stat.fields.push_back(FieldFromWire(field));
  return stat;
}

v1::ShardSampleHashesCall ToProto(const SampleHashesCall& call) {
  v1::ShardSampleHashesCall out;
  out.set_shard(call.shard);
  out.set_seed(call.seed);
  out.set_count(call.count);
  return out;
}

SampleHashesCall FromProto(const v1::ShardSampleHashesCall& in) {
  return {in.shard(), in.seed(), in.count()};
}

v1::ShardSampleHashesReply ToProto(const std::vector<uint64_t>& hashes) {
  v1::ShardSampleHashesReply out;
  SetRepeated(hashes, out.mutable_hashes());
  return out;
}

std::vector<uint64_t> FromProto(const v1::ShardSampleHashesReply& in) {
  return {in.hashes().begin(), in.hashes().end()};
}

v1::ShardSampleChunkCall ToProto(const SampleChunkCall& call) {
  v1::ShardSampleChunkCall out;
  out.set_shard(call.shard);
  out.set_seed(call.seed);
  out.set_hash_begin(call.hash_begin);
  out.set_hash_end(call.hash_end);
  out.set_bytes_limit(call.bytes_limit);
  return out;
}

SampleChunkCall FromProto(const v1::ShardSampleChunkCall& in) {
  return {in.shard(), in.seed(), in.hash_begin(), in.hash_end(), in.bytes_limit()};
}

v1::ShardSampleChunkReply ToProto(SampleChunk&& chunk) {
  v1::ShardSampleChunkReply out;
  SetRepeated(chunk.hashes, out.mutable_hashes());
  out.set_keys(std::move(chunk.keys));
  out.set_vectors(std::move(chunk.vectors));
  return out;
}

absl::StatusOr<SampleChunk> FromProto(v1::ShardSampleChunkReply&& in) {
  KITH_RETURN_IF_ERROR(CheckKeys(in.keys(), static_cast<size_t>(in.hashes_size())));
  SampleChunk chunk;
  chunk.hashes.assign(in.hashes().begin(), in.hashes().end());
  chunk.keys = std::move(*in.mutable_keys());
  chunk.vectors = std::move(*in.mutable_vectors());
  return chunk;
}

v1::ShardTrainingChunk ToProto(TrainingChunk&& chunk) {
  v1::ShardTrainingChunk out;
  out.set_job(std::move(chunk.job));
  SetRepeated(chunk.sample.hashes, out.mutable_hashes());
  out.set_keys(std::move(chunk.sample.keys));
  out.set_vectors(std::move(chunk.sample.vectors));
  out.set_dimension(chunk.dimension);
  out.set_element_type(ElementTypeToWire(chunk.element_type));
  return out;
}

absl::StatusOr<TrainingChunk> FromProto(const v1::ShardTrainingChunk& in) {
  const auto points = static_cast<size_t>(in.hashes_size());
  KITH_RETURN_IF_ERROR(CheckKeys(in.keys(), points));
  TrainingChunk chunk;
  chunk.job = in.job();
  chunk.dimension = in.dimension();
  KITH_ASSIGN_OR_RETURN(chunk.element_type, ElementTypeFromWire(in.element_type()));
  if (in.vectors().size() != points * chunk.dimension * ElementSize(chunk.element_type)) {
    return ShapeError("vectors", "does not hold `dimension` elements for each hash");
  }
  chunk.sample.hashes.assign(in.hashes().begin(), in.hashes().end());
  chunk.sample.keys = in.keys();
  chunk.sample.vectors = in.vectors();
  return chunk;
}

v1::ShardStartTrainingCall ToProto(const StartTrainingCall& call) {
  v1::ShardStartTrainingCall out;
  out.set_job(call.job);
  out.set_dimension(call.dimension);
  out.set_metric(MetricToWire(call.metric));
  out.set_element_type(ElementTypeToWire(call.element_type));
  out.set_lists(call.lists);
  out.set_subspaces(call.subspaces);
  out.set_plane_b_bytes(call.plane_b_bytes);
  out.set_seed(call.seed);
  return out;
}

absl::StatusOr<StartTrainingCall> FromProto(const v1::ShardStartTrainingCall& in) {
  StartTrainingCall call;
  call.job = in.job();
  call.dimension = in.dimension();
  KITH_ASSIGN_OR_RETURN(call.metric, MetricFromWire(in.metric()));
  KITH_ASSIGN_OR_RETURN(call.element_type, ElementTypeFromWire(in.element_type()));
  call.lists = in.lists();
  call.subspaces = in.subspaces();
  call.plane_b_bytes = in.plane_b_bytes();
  call.seed = in.seed();
  return call;
}

v1::ShardTrainingState ToProto(const TrainingState& state) {
  v1::ShardTrainingState out;
  out.set_done(state.done);
  out.set_progress(state.progress);
  out.set_artifact(state.artifact);
  out.set_artifact_bytes(state.artifact_bytes);
  if (!state.error.ok()) *out.mutable_error() = StatusToProto(state.error);
  return out;
}

TrainingState FromProto(const v1::ShardTrainingState& in) {
  return {in.done(), in.progress(), in.artifact(), in.artifact_bytes(),
          StatusFromProto(in.error())};
}

v1::ShardArtifactChunk ToProto(ArtifactChunk&& chunk) {
  v1::ShardArtifactChunk out;
  out.set_artifact(std::move(chunk.artifact));
  out.set_offset(chunk.offset);
  out.set_total_bytes(chunk.total_bytes);
  out.set_data(std::move(chunk.data));
  out.set_checksum(chunk.checksum);
  return out;
}

ArtifactChunk FromProto(const v1::ShardArtifactChunk& in) {
  return {in.artifact(), in.offset(), in.total_bytes(), in.data(), in.checksum()};
}

v1::ShardVerifyReply ToProto(const VerifyReply& reply) {
  v1::ShardVerifyReply out;
  out.set_applied_lsn(reply.applied_lsn);
  out.set_slots_checked(reply.slots_checked);
  out.set_truth_mismatches(reply.truth_mismatches);
  out.set_index_mismatches(reply.index_mismatches);
  out.set_live_points(reply.live_points);
  out.set_digest(reply.digest);
  return out;
}

VerifyReply FromProto(const v1::ShardVerifyReply& in) {
  return {in.applied_lsn(),      in.slots_checked(), in.truth_mismatches(),
          in.index_mismatches(), in.live_points(),   in.digest()};
}

}  // namespace kith::rpc
