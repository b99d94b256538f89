#include "common/rpc/shard_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/filter_messages.h"
#include "common/rpc/wire_shape.h"

namespace kith::rpc {
namespace {

// The enumerators of one byte each.
template <typename Enum>
std::string PackEnums(const std::vector<Enum>& values) {
  std::string bytes(values.size(), '\0');
  for (size_t i = 0; i < values.size(); ++i) bytes[i] = static_cast<char>(values[i]);
  return bytes;
}

template <typename Enum>
absl::StatusOr<std::vector<Enum>> UnpackEnums(const std::string& bytes, Enum last,
                                              std::string_view field) {
  std::vector<Enum> values(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto value = static_cast<uint8_t>(bytes[i]);
    if (value < 1 || value > static_cast<uint8_t>(last)) {
      return ShapeError(field, fmt::format("value {} at {} is unknown", value, i));
    }
    values[i] = static_cast<Enum>(value);
  }
  return values;
}

absl::Status CheckPayloads(const google::protobuf::RepeatedField<uint32_t>& sizes,
                           const std::string& payloads) {
  const uint64_t total = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  if (total == payloads.size()) return absl::OkStatus();
  return ShapeError(
      "payloads", fmt::format("has {} bytes, payload_sizes add up to {}", payloads.size(), total));
}

// Null where the message has none.
template <typename Message>
absl::StatusOr<std::shared_ptr<const Filter>> SharedFilter(const Message& message) {
  if (!message.has_filter()) return std::shared_ptr<const Filter>();
  KITH_ASSIGN_OR_RETURN(Filter filter, FilterFromProto(message.filter(), "filter"));
  return std::make_shared<const Filter>(std::move(filter));
}

absl::StatusOr<WriteSelection> SelectionFromProto(const v1::ShardSelection& in) {
  WriteSelection selection;
  KITH_ASSIGN_OR_RETURN(selection.filter, SharedFilter(in));
  if (selection.filter == nullptr) return ShapeError("selection.filter", "is missing");
  selection.version_below = in.version_below();
  selection.limit = in.limit();
  return selection;
}

}  // namespace

void ToProto(SearchCall&& call, v1::ShardSearchCall* out) {
  out->set_shard(call.shard);
  out->set_index_version(std::move(call.index_version));
  out->set_count(call.count);
  out->set_queries(std::move(call.queries));
  out->set_limit(call.limit);
  out->set_nprobe(call.nprobe);
  out->set_refine(call.refine);
  out->set_rerank(call.rerank);
  out->set_stop_ratio(call.stop_ratio);
  out->set_exact(call.exact);
  if (call.score_bound.has_value()) out->set_score_bound(*call.score_bound);
  out->set_wait_lsn(call.wait_lsn);
  out->set_incarnation(std::string(call.incarnation.view()));
  if (call.filter != nullptr) FilterToProto(*call.filter, out->mutable_filter());
  out->set_widens(call.widens);
  out->set_priority(static_cast<uint32_t>(call.priority));
  if (call.after.has_value()) {
    out->set_after_score(call.after->score);
    out->set_after_key(std::string(call.after->key.view()));
  }
}

absl::StatusOr<SearchCall> FromProto(v1::ShardSearchCall&& in) {
  SearchCall call;
  call.shard = in.shard();
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  call.index_version = std::move(*in.mutable_index_version());
  call.count = in.count();
  call.queries = std::move(*in.mutable_queries());
  call.limit = in.limit();
  call.nprobe = in.nprobe();
  call.refine = in.refine();
  call.rerank = in.rerank();
  call.stop_ratio = in.stop_ratio();
  call.exact = in.exact();
  if (in.has_score_bound()) call.score_bound = in.score_bound();
  call.wait_lsn = in.wait_lsn();
  KITH_ASSIGN_OR_RETURN(call.filter, SharedFilter(in));
  call.widens = in.widens();
  if (in.priority() >= kSearchPriorities) return ShapeError("priority", "is unknown");
  call.priority = static_cast<SearchPriority>(in.priority());
  if (in.has_after_score()) {
    if (in.after_key().size() != PointKey::kSize) {
      return ShapeError("after_key", fmt::format("has {} bytes", in.after_key().size()));
    }
    call.after = HitPlace{in.after_score(), PointKey::FromBytes(in.after_key().data())};
  }
  if (call.count > 0 && call.queries.size() % call.count != 0) {
    return ShapeError("queries", fmt::format("has {} bytes, not a multiple of count {}",
                                             call.queries.size(), call.count));
  }
  return call;
}

void ToProto(SearchReply&& reply, v1::ShardSearchReply* out) {
  SetRepeated(reply.counts, out->mutable_counts());
  out->set_keys(std::move(reply.keys));
  SetRepeated(reply.scores, out->mutable_scores());
  SetRepeated(reply.versions, out->mutable_versions());
  out->set_live_points(reply.live_points);
  out->set_codes_planned(reply.codes_planned);
  out->set_codes_done(reply.codes_done);
  out->set_lsn(reply.lsn);
  v1::ShardSearchWork* work = out->mutable_work();
  work->set_lists_probed(reply.work.lists_probed);
  work->set_rows_scanned(reply.work.rows_scanned);
  work->set_rows_exact(reply.work.rows_exact);
  work->set_rows_refined(reply.work.rows_refined);
  work->set_rows_reranked(reply.work.rows_reranked);
  work->set_queue_ns(reply.stages.queue_ns);
  work->set_coarse_ns(reply.stages.coarse_ns);
  work->set_scan_ns(reply.stages.scan_ns);
  work->set_refine_ns(reply.stages.refine_ns);
  work->set_rerank_ns(reply.stages.rerank_ns);
  work->set_total_ns(reply.stages.total_ns);
  work->set_filter_ns(reply.stages.filter_ns);
  out->set_filter_points(reply.filter_points);
  out->set_filter_strategy(static_cast<uint32_t>(reply.filter_strategy));
  out->set_nprobe(reply.nprobe);
  out->set_points_within(reply.points_within);
  out->set_queries_crowded(reply.queries_crowded);
}

absl::StatusOr<SearchReply> FromProto(v1::ShardSearchReply&& in) {
  const uint64_t hits = std::accumulate(in.counts().begin(), in.counts().end(), uint64_t{0});
  if (in.keys().size() != hits * PointKey::kSize ||
      static_cast<uint64_t>(in.scores_size()) != hits ||
      static_cast<uint64_t>(in.versions_size()) != hits) {
    return ShapeError("keys",
                      fmt::format("{} hits are counted, but there are {} bytes of keys, {} "
                                  "scores and {} versions",
                                  hits, in.keys().size(), in.scores_size(), in.versions_size()));
  }
  SearchReply reply;
  reply.counts.assign(in.counts().begin(), in.counts().end());
  reply.keys = std::move(*in.mutable_keys());
  reply.scores.assign(in.scores().begin(), in.scores().end());
  reply.versions.assign(in.versions().begin(), in.versions().end());
  reply.live_points = in.live_points();
  reply.codes_planned = in.codes_planned();
  reply.codes_done = in.codes_done();
  reply.lsn = in.lsn();
  const v1::ShardSearchWork& work = in.work();
  reply.work = {work.lists_probed(), work.rows_scanned(), work.rows_exact(), work.rows_refined(),
                work.rows_reranked()};
  reply.stages = {work.queue_ns(),  work.coarse_ns(), work.scan_ns(),  work.refine_ns(),
                  work.rerank_ns(), work.total_ns(),  work.filter_ns()};
  if (in.filter_strategy() > static_cast<uint32_t>(FilterStrategy::kLists)) {
    return ShapeError("filter_strategy", fmt::format("{} is unknown", in.filter_strategy()));
  }
  reply.filter_strategy = static_cast<FilterStrategy>(in.filter_strategy());
  reply.filter_points = in.filter_points();
  reply.points_within = in.points_within();
  reply.queries_crowded = in.queries_crowded();
  reply.nprobe = in.nprobe();
  return reply;
}

void ToProto(WriteCall&& call, v1::ShardWriteCall* out) {
  out->set_shard(call.shard);
  out->set_epoch(call.epoch);
  out->set_request_id(std::move(call.request_id));
  out->set_body_hash(std::move(call.body_hash));
  out->set_kinds(PackEnums(call.kinds));
  out->set_keys(std::move(call.keys));
  out->set_vectors(std::move(call.vectors));
  SetRepeated(call.payload_sizes, out->mutable_payload_sizes());
  out->set_payloads(std::move(call.payloads));
  SetRepeated(call.if_versions, out->mutable_if_versions());
  out->set_priority(static_cast<uint32_t>(call.priority));
  out->set_unix_ms(call.unix_ms);
  out->set_incarnation(std::string(call.incarnation.view()));
  out->set_change(std::move(call.change));
  if (!call.selection.has_value()) return;
  FilterToProto(*call.selection->filter, out->mutable_selection()->mutable_filter());
  out->mutable_selection()->set_version_below(call.selection->version_below);
  out->mutable_selection()->set_limit(call.selection->limit);
}

absl::StatusOr<WriteCall> FromProto(v1::ShardWriteCall&& in) {
  WriteCall call;
  KITH_ASSIGN_OR_RETURN(call.kinds, UnpackEnums(in.kinds(), WriteKind::kReplacePayload, "kinds"));
  if (in.has_selection()) {
    KITH_ASSIGN_OR_RETURN(call.selection, SelectionFromProto(in.selection()));
  }
  const size_t operations = in.has_selection() ? 0 : call.kinds.size();
  KITH_RETURN_IF_ERROR(CheckKeys(in.keys(), operations));
  const auto stored =
      in.has_selection()
          ? 0
          : static_cast<size_t>(std::count_if(call.kinds.begin(), call.kinds.end(), CarriesVector));
  KITH_RETURN_IF_ERROR(CheckCount("payload_sizes", in.payload_sizes_size(), stored));
  KITH_RETURN_IF_ERROR(CheckPayloads(in.payload_sizes(), in.payloads()));
  KITH_RETURN_IF_ERROR(CheckCount("if_versions", in.if_versions_size(), operations));
  if (in.priority() > static_cast<uint32_t>(WritePriority::kImport)) {
    return ShapeError("priority", fmt::format("{} is unknown", in.priority()));
  }
  if (stored == 0 ? !in.vectors().empty() : in.vectors().size() % stored != 0) {
    return ShapeError("vectors", fmt::format("has {} bytes, not the same for each of {} operations",
                                             in.vectors().size(), stored));
  }
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  call.shard = in.shard();
  call.epoch = in.epoch();
  call.request_id = std::move(*in.mutable_request_id());
  call.body_hash = std::move(*in.mutable_body_hash());
  call.keys = std::move(*in.mutable_keys());
  call.vectors = std::move(*in.mutable_vectors());
  call.payload_sizes.assign(in.payload_sizes().begin(), in.payload_sizes().end());
  call.payloads = std::move(*in.mutable_payloads());
  call.if_versions.assign(in.if_versions().begin(), in.if_versions().end());
  call.priority = static_cast<WritePriority>(in.priority());
  call.unix_ms = in.unix_ms();
  call.change = std::move(*in.mutable_change());
  return call;
}

void ToProto(WriteReply&& reply, v1::ShardWriteReply* out) {
  out->set_outcomes(PackEnums(reply.outcomes));
  SetRepeated(reply.versions, out->mutable_versions());
  out->set_epoch(reply.epoch);
  out->set_lsn(reply.lsn);
  out->set_live_points(reply.live_points);
  out->set_version_below(reply.version_below);
  out->set_has_more(reply.has_more);
}

absl::StatusOr<WriteReply> FromProto(v1::ShardWriteReply&& in) {
  WriteReply reply;
  KITH_ASSIGN_OR_RETURN(reply.outcomes,
                        UnpackEnums(in.outcomes(), WriteOutcome::kPayloadTooLarge, "outcomes"));
  if (static_cast<size_t>(in.versions_size()) != reply.outcomes.size()) {
    return ShapeError("versions", "is not as long as outcomes");
  }
  reply.versions.assign(in.versions().begin(), in.versions().end());
  reply.epoch = in.epoch();
  reply.lsn = in.lsn();
  reply.live_points = in.live_points();
  reply.version_below = in.version_below();
  reply.has_more = in.has_more();
  return reply;
}

void ToProto(GetCall&& call, v1::ShardGetCall* out) {
  out->set_shard(call.shard);
  out->set_keys(std::move(call.keys));
  out->set_with_vector(call.with_vector);
  out->set_with_payload(call.with_payload);
  out->set_wait_lsn(call.wait_lsn);
  out->set_incarnation(std::string(call.incarnation.view()));
}

absl::StatusOr<GetCall> FromProto(v1::ShardGetCall&& in) {
  KITH_RETURN_IF_ERROR(CheckKeys(in.keys(), in.keys().size() / PointKey::kSize));
  GetCall call;
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  call.shard = in.shard();
  call.keys = std::move(*in.mutable_keys());
  call.with_vector = in.with_vector();
  call.with_payload = in.with_payload();
  call.wait_lsn = in.wait_lsn();
  return call;
}

void ToProto(GetReply&& reply, v1::ShardGetReply* out) {
  out->set_found(reply.found.data(), reply.found.size());
  SetRepeated(reply.versions, out->mutable_versions());
  out->set_vectors(std::move(reply.vectors));
  SetRepeated(reply.payload_sizes, out->mutable_payload_sizes());
  out->set_payloads(std::move(reply.payloads));
}

absl::StatusOr<GetReply> FromProto(v1::ShardGetReply&& in) {
  GetReply reply;
  reply.found.assign(in.found().begin(), in.found().end());
  const auto found = static_cast<size_t>(
      std::count_if(reply.found.begin(), reply.found.end(), [](uint8_t one) { return one != 0; }));
  if (static_cast<size_t>(in.versions_size()) != found) {
    return ShapeError("versions",
                      fmt::format("has {} for {} found points", in.versions_size(), found));
  }
  KITH_RETURN_IF_ERROR(CheckCount("payload_sizes", in.payload_sizes_size(), found));
  KITH_RETURN_IF_ERROR(CheckPayloads(in.payload_sizes(), in.payloads()));
  if (found == 0 ? !in.vectors().empty() : in.vectors().size() % found != 0) {
    return ShapeError("vectors", "has not the same number of bytes for each found point");
  }
  reply.versions.assign(in.versions().begin(), in.versions().end());
  reply.vectors = std::move(*in.mutable_vectors());
  reply.payload_sizes.assign(in.payload_sizes().begin(), in.payload_sizes().end());
  reply.payloads = std::move(*in.mutable_payloads());
  return reply;
}

void ToProto(ScrollCall&& call, v1::ShardScrollCall* out) {
  out->set_shard(call.shard);
  out->set_incarnation(std::string(call.incarnation.view()));
  out->set_slot_begin(call.slot_begin);
  out->set_slot_end(call.slot_end);
  out->set_after(std::move(call.after));
  out->set_limit(call.limit);
  out->set_bytes_limit(call.bytes_limit);
  out->set_with_vector(call.with_vector);
  out->set_with_payload(call.with_payload);
  out->set_wait_lsn(call.wait_lsn);
  if (call.filter != nullptr) FilterToProto(*call.filter, out->mutable_filter());
}

absl::StatusOr<ScrollCall> FromProto(v1::ShardScrollCall&& in) {
  if (!in.after().empty()) KITH_RETURN_IF_ERROR(CheckKeys(in.after(), 1));
  ScrollCall call;
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  call.shard = in.shard();
  call.slot_begin = in.slot_begin();
  call.slot_end = in.slot_end();
  call.after = std::move(*in.mutable_after());
  call.limit = in.limit();
  call.bytes_limit = in.bytes_limit();
  call.with_vector = in.with_vector();
  call.with_payload = in.with_payload();
  call.wait_lsn = in.wait_lsn();
  KITH_ASSIGN_OR_RETURN(call.filter, SharedFilter(in));
  return call;
}

void ToProto(ScrollReply&& reply, v1::ShardScrollReply* out) {
  out->set_keys(std::move(reply.keys));
  SetRepeated(reply.versions, out->mutable_versions());
  out->set_vectors(std::move(reply.vectors));
  SetRepeated(reply.payload_sizes, out->mutable_payload_sizes());
  out->set_payloads(std::move(reply.payloads));
  out->set_at_end(reply.at_end);
  out->set_reached(std::move(reply.reached));
}

absl::StatusOr<ScrollReply> FromProto(v1::ShardScrollReply&& in) {
  const auto count = static_cast<size_t>(in.versions_size());
  KITH_RETURN_IF_ERROR(CheckKeys(in.keys(), count));
  KITH_RETURN_IF_ERROR(CheckCount("payload_sizes", in.payload_sizes_size(), count));
  KITH_RETURN_IF_ERROR(CheckPayloads(in.payload_sizes(), in.payloads()));
  if (count == 0 ? !in.vectors().empty() : in.vectors().size() % count != 0) {
    return ShapeError("vectors", "has not the same number of bytes for each point");
  }
  if (!in.reached().empty()) KITH_RETURN_IF_ERROR(CheckKeys(in.reached(), 1));
  ScrollReply reply;
  reply.reached = std::move(*in.mutable_reached());
  reply.keys = std::move(*in.mutable_keys());
  reply.versions.assign(in.versions().begin(), in.versions().end());
  reply.vectors = std::move(*in.mutable_vectors());
  reply.payload_sizes.assign(in.payload_sizes().begin(), in.payload_sizes().end());
  reply.payloads = std::move(*in.mutable_payloads());
  reply.at_end = in.at_end();
  return reply;
}

void ToProto(FacetCall&& call, v1::ShardFacetCall* out) {
  out->set_shard(call.shard);
  out->set_incarnation(std::string(call.incarnation.view()));
  out->set_field(std::move(call.field));
  if (call.filter != nullptr) FilterToProto(*call.filter, out->mutable_filter());
  out->set_wait_lsn(call.wait_lsn);
}

absl::StatusOr<FacetCall> FromProto(v1::ShardFacetCall&& in) {
  FacetCall call;
  KITH_ASSIGN_OR_RETURN(call.incarnation, UuidFromWire("incarnation", in.incarnation()));
  KITH_ASSIGN_OR_RETURN(call.filter, SharedFilter(in));
  call.shard = in.shard();
  call.field = std::move(*in.mutable_field());
  call.wait_lsn = in.wait_lsn();
  return call;
}

void ToProto(FacetReply&& reply, v1::ShardFacetReply* out) {
  out->set_values(std::move(reply.values));
  SetRepeated(reply.value_sizes, out->mutable_value_sizes());
  SetRepeated(reply.counts, out->mutable_counts());
  out->set_lsn(reply.lsn);
}

absl::StatusOr<FacetReply> FromProto(v1::ShardFacetReply&& in) {
  const uint64_t bytes =
      std::accumulate(in.value_sizes().begin(), in.value_sizes().end(), uint64_t{0});
  if (in.value_sizes_size() != in.counts_size() || bytes != in.values().size()) {
    return ShapeError("values", "does not fit value_sizes and counts");
  }
  FacetReply reply;
  reply.values = std::move(*in.mutable_values());
  reply.value_sizes.assign(in.value_sizes().begin(), in.value_sizes().end());
  reply.counts.assign(in.counts().begin(), in.counts().end());
  reply.lsn = in.lsn();
  return reply;
}

}  // namespace kith::rpc
