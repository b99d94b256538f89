#include "common/rpc/shard_messages.h"

#include <gtest/gtest.h>

#include <utility>

#include "common/base/status.h"
#include "common/rpc/frame_queue.h"
#include "common/rpc/shard_admin_messages.h"
#include "common/vector/point_key.h"
#include "tests/unit/common_rpc/round_trip.h"

namespace kith::rpc {
namespace {

TEST(ShardMessagesTest, ASearchCallArrivesAsItWasSent) {
  SearchCall call{.shard = ~uint64_t{0},
                  .incarnation = Uuid{{1, 2, 3}},
                  .index_version = "v",
                  .count = 2,
                  .queries = "12345678",
                  .limit = 11,
                  .nprobe = 12,
                  .refine = ~uint32_t{0},
                  .rerank = 14,
                  .stop_ratio = 1.25f,
                  .exact = true,
                  .score_bound = 0.0f,
                  .wait_lsn = 15,
                  .filter = nullptr};
  const auto got = RoundTrip<v1::ShardSearchCall>(call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->incarnation, call.incarnation);
  EXPECT_EQ(got->shard, call.shard);
  EXPECT_EQ(got->index_version, "v");
  EXPECT_EQ(got->count, 2u);
  EXPECT_EQ(got->queries, "12345678");
  EXPECT_EQ(got->limit, 11u);
  EXPECT_EQ(got->nprobe, 12u);
  EXPECT_EQ(got->refine, ~uint32_t{0});
  EXPECT_EQ(got->rerank, 14u);
  EXPECT_EQ(got->stop_ratio, 1.25f);
  EXPECT_TRUE(got->exact);
  EXPECT_EQ(got->score_bound, 0.0f);  // zero is a bound, absence is none
  EXPECT_EQ(got->wait_lsn, 15u);
  call.score_bound.reset();
  EXPECT_FALSE(RoundTrip<v1::ShardSearchCall>(call)->score_bound.has_value());
}

TEST(ShardMessagesTest, ASearchReplyArrivesAsItWasSent) {
  SearchReply reply;
  reply.counts = {2, 0, 1};
  reply.keys = Key(1) + Key(2) + Key(3);
  reply.scores = {0.5f, -0.0f, 3e38f};
  reply.versions = {7, 8, 9};
  reply.live_points = 1;
  reply.codes_planned = 2;
  reply.codes_done = 3;
  reply.lsn = 4;
  reply.work = {5, 6, 7, 8, 9};
  reply.stages = {10, 11, 12, 13, 14, 15, 16};
  reply.filter_strategy = FilterStrategy::kLists;
  reply.filter_points = 17;
  reply.nprobe = 18;
  const auto got = RoundTrip<v1::ShardSearchReply>(reply);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->counts, reply.counts);
  EXPECT_EQ(got->keys, reply.keys);
  EXPECT_EQ(got->scores, reply.scores);
  EXPECT_TRUE(std::signbit(got->scores[1]));
  EXPECT_EQ(got->versions, reply.versions);
  EXPECT_EQ(got->live_points, 1u);
  EXPECT_EQ(got->codes_planned, 2u);
  EXPECT_EQ(got->codes_done, 3u);
  EXPECT_EQ(got->lsn, 4u);
  EXPECT_EQ(got->work.lists_probed, 5u);
  EXPECT_EQ(got->work.rows_scanned, 6u);
  EXPECT_EQ(got->work.rows_exact, 7u);
  EXPECT_EQ(got->work.rows_refined, 8u);
  EXPECT_EQ(got->work.rows_reranked, 9u);
  EXPECT_EQ(got->stages.queue_ns, 10u);
  EXPECT_EQ(got->stages.coarse_ns, 11u);
  EXPECT_EQ(got->stages.scan_ns, 12u);
  EXPECT_EQ(got->stages.refine_ns, 13u);
  EXPECT_EQ(got->stages.rerank_ns, 14u);
  EXPECT_EQ(got->stages.total_ns, 15u);
  EXPECT_EQ(got->stages.filter_ns, 16u);
  EXPECT_EQ(got->filter_strategy, FilterStrategy::kLists);
  EXPECT_EQ(got->filter_points, 17u);
  EXPECT_EQ(got->nprobe, 18u);
}

WriteCall AWrite() {
  WriteCall call;
  call.shard = 1;
  call.incarnation = Uuid{{4, 5, 6}};
  call.epoch = 2;
  call.request_id = std::string(16, 'r');
  call.body_hash = std::string(16, 'h');
  call.kinds = {WriteKind::kUpsert, WriteKind::kDelete, WriteKind::kUpdateOnly};
  call.keys = Key(1) + Key(2) + Key(3);
  call.vectors = "aaaabbbb";
  call.payload_sizes = {0, 3};
  call.payloads = "xyz";
  call.if_versions = {kNoVersionCondition, 0, 7};
  call.priority = WritePriority::kImport;
  call.unix_ms = 99;
  return call;
}

TEST(ShardMessagesTest, AWriteCallArrivesAsItWasSent) {
  const WriteCall call = AWrite();
  const auto got = RoundTrip<v1::ShardWriteCall>(call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->incarnation, call.incarnation);
  EXPECT_EQ(got->epoch, 2u);
  EXPECT_EQ(got->request_id, call.request_id);
  EXPECT_EQ(got->body_hash, call.body_hash);
  EXPECT_EQ(got->kinds, call.kinds);
  EXPECT_EQ(got->keys, call.keys);
  EXPECT_EQ(got->vectors, call.vectors);
  EXPECT_EQ(got->payload_sizes, call.payload_sizes);
  EXPECT_EQ(got->payloads, call.payloads);
  EXPECT_EQ(got->if_versions, call.if_versions);
  EXPECT_EQ(got->priority, WritePriority::kImport);
  EXPECT_EQ(got->unix_ms, 99u);
}

TEST(ShardMessagesTest, ABufferIsMovedNotCopied) {
  WriteCall call = AWrite();
  call.vectors.assign(2 << 20, 'v');
  const char* const bytes = call.vectors.data();
  v1::ShardWriteCall message;
  ToProto(std::move(call), &message);
  EXPECT_EQ(message.vectors().data(), bytes);
  const auto got = FromProto(std::move(message));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->vectors.data(), bytes);
}

TEST(ShardMessagesTest, AWriteWhosePartsDoNotFitTogetherIsRefusedByField) {
  const auto field_of = [](void (*damage)(v1::ShardWriteCall&)) {
    v1::ShardWriteCall message;
    ToProto(AWrite(), &message);
    damage(message);
    return FactOf(FromProto(std::move(message)).status(), kFieldFact).value_or("accepted");
  };
  EXPECT_EQ(field_of([](v1::ShardWriteCall&) {}), "accepted");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_kinds()->at(0) = 7; }), "kinds");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_kinds()->at(0) = 0; }), "kinds");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_keys()->pop_back(); }), "keys");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_keys()->at(17) = 3; }), "keys");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_vectors()->pop_back(); }), "vectors");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.add_payload_sizes(0); }), "payload_sizes");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.set_payload_sizes(0, ~0u); }), "payloads");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.mutable_if_versions()->RemoveLast(); }),
            "if_versions");
  EXPECT_EQ(field_of([](v1::ShardWriteCall& m) { m.set_priority(9); }), "priority");
}

TEST(ShardMessagesTest, AReplyWhosePartsDoNotFitTogetherIsRefused) {
  v1::ShardSearchReply search;
  search.add_counts(2);
  search.set_keys(Key(1));
  EXPECT_FALSE(FromProto(std::move(search)).ok());
  v1::ShardWriteReply write;
  write.set_outcomes("\x01\x01");
  write.add_versions(1);
  EXPECT_FALSE(FromProto(std::move(write)).ok());
  v1::ShardGetReply get;
  get.set_found(std::string("\x01\x00", 2));
  EXPECT_FALSE(FromProto(std::move(get)).ok());
  v1::ShardSearchCall call;
  call.set_incarnation(std::string(16, 'i'));
  call.set_count(3);
  call.set_queries("12345678");
  EXPECT_EQ(FactOf(FromProto(std::move(call)).status(), kFieldFact), "queries");
}

TEST(ShardMessagesTest, ACallWithoutAWholeIncarnationIsRefused) {
  for (const size_t size : {0, 15, 17}) {
    v1::ShardSearchCall search;
    search.set_incarnation(std::string(size, 'i'));
    EXPECT_EQ(FactOf(FromProto(std::move(search)).status(), kFieldFact), "incarnation");
    v1::ShardWriteCall write;
    write.set_incarnation(std::string(size, 'i'));
    EXPECT_EQ(FactOf(FromProto(std::move(write)).status(), kFieldFact), "incarnation");
    v1::ShardGetCall get;
    get.set_incarnation(std::string(size, 'i'));
    EXPECT_EQ(FactOf(FromProto(std::move(get)).status(), kFieldFact), "incarnation");
  }
}

TEST(ShardMessagesTest, AScrollArrivesAsItWasSent) {
  ScrollCall call{.shard = 3,
                  .incarnation = Uuid{{7}},
                  .slot_begin = 5,
                  .slot_end = 4096,
                  .after = Key(4),
                  .limit = 11,
                  .bytes_limit = 12,
                  .with_vector = true,
                  .with_payload = true,
                  .wait_lsn = 13};
  const auto got = RoundTrip<v1::ShardScrollCall>(call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->shard, 3u);
  EXPECT_EQ(got->incarnation, call.incarnation);
  EXPECT_EQ(got->slot_begin, 5u);
  EXPECT_EQ(got->slot_end, 4096u);
  EXPECT_EQ(got->after, Key(4));
  EXPECT_EQ(got->limit, 11u);
  EXPECT_EQ(got->bytes_limit, 12u);
  EXPECT_TRUE(got->with_vector && got->with_payload);
  EXPECT_EQ(got->wait_lsn, 13u);
  ScrollReply page{Key(1) + Key(2), {5, 6}, "aabb", {1, 2}, "xyz", true};
  const auto reply = RoundTrip<v1::ShardScrollReply>(page);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->keys, page.keys);
  EXPECT_EQ(reply->versions, page.versions);
  EXPECT_EQ(reply->vectors, "aabb");
  EXPECT_EQ(reply->payload_sizes, page.payload_sizes);
  EXPECT_EQ(reply->payloads, "xyz");
  EXPECT_TRUE(reply->at_end);
}

TEST(ShardMessagesTest, AScrollWhosePartsDoNotFitIsRefused) {
  EXPECT_FALSE(RoundTrip<v1::ShardScrollCall>(ScrollCall{.after = "short"}).ok());
  EXPECT_FALSE(RoundTrip<v1::ShardScrollCall>(ScrollCall{.after = Key(1) + Key(2)}).ok());
  const ScrollReply good{Key(1) + Key(2), {5, 6}, "aabb", {1, 2}, "xyz", false};
  EXPECT_TRUE(RoundTrip<v1::ShardScrollReply>(good).ok());
  ScrollReply bad = good;
  bad.versions.pop_back();
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(bad).ok());
  bad = good;
  bad.vectors = "aab";
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(bad).ok());
  bad = good;
  bad.payloads = "xy";
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(bad).ok());
  bad = good;
  bad.payload_sizes = {3};
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(bad).ok());
  bad = {};
  bad.vectors = "aa";
  EXPECT_FALSE(RoundTrip<v1::ShardScrollReply>(bad).ok());
}

TEST(ShardMessagesTest, WriteReplyAndGetArriveAsTheyWereSent) {
  WriteReply written{{WriteOutcome::kOk, WriteOutcome::kVersionMismatch}, {1, 2}, 3, 4, 5};
  const auto write = RoundTrip<v1::ShardWriteReply>(written);
  ASSERT_TRUE(write.ok()) << write.status();
  EXPECT_EQ(write->outcomes, written.outcomes);
  EXPECT_EQ(write->versions, written.versions);
  EXPECT_EQ(write->epoch, 3u);
  EXPECT_EQ(write->lsn, 4u);
  EXPECT_EQ(write->live_points, 5u);

  const auto call = RoundTrip<v1::ShardGetCall>(GetCall{1, Uuid{{7}}, Key(4), true, false, 9});
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->incarnation, Uuid{{7}});
  EXPECT_EQ(call->keys, Key(4));
  EXPECT_TRUE(call->with_vector);
  EXPECT_FALSE(call->with_payload);
  EXPECT_EQ(call->wait_lsn, 9u);

  GetReply got{{1, 0, 1}, {5, 6}, "aabb", {1, 2}, "xyz"};
  const auto reply = RoundTrip<v1::ShardGetReply>(got);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->found, got.found);
  EXPECT_EQ(reply->versions, got.versions);
  EXPECT_EQ(reply->vectors, got.vectors);
  EXPECT_EQ(reply->payload_sizes, got.payload_sizes);
  EXPECT_EQ(reply->payloads, got.payloads);
}

TEST(ShardMessagesTest, ASpecArrivesAsItWasSentAndABadOneIsRefused) {
  const ShardSpec spec{7,
                       "c",
                       Uuid::Random(),
                       80,
                       Metric::kCosine,
                       ElementType::kU8,
                       {{0, 10}, {20, 4096}},
                       {{"color", FieldType::kKeyword}, {"new", FieldType::kBoolean}}};
  const auto got = FromProto(ToProto(spec));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->shard, 7u);
  EXPECT_EQ(got->collection, "c");
  EXPECT_EQ(got->incarnation, spec.incarnation);
  EXPECT_EQ(got->dimension, 80u);
  EXPECT_EQ(got->metric, Metric::kCosine);
  EXPECT_EQ(got->element_type, ElementType::kU8);
  EXPECT_EQ(got->slots, spec.slots);
  EXPECT_EQ(got->payload_fields, spec.payload_fields);

  v1::ShardSpec bad = ToProto(spec);
  bad.set_metric(static_cast<v1::Metric>(4));
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "metric");
  bad = ToProto(spec);
  bad.clear_element_type();
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "element_type");
  bad = ToProto(spec);
  bad.set_incarnation("short");
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "incarnation");
  bad = ToProto(spec);
  bad.set_dimension(0);
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "dimension");
  bad.set_dimension(4097);
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "dimension");
  bad = ToProto(spec);
  bad.set_collection(std::string(64, 'c'));
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "collection");
}

TEST(ShardMessagesTest, ASpecsSlotsAreWithinBoundsInOrderAndNotTooMany) {
  using Slots = std::vector<std::pair<uint32_t, uint32_t>>;
  const auto field_of = [](const Slots& slots) {
    const ShardSpec spec{7, "c", Uuid::Random(), 80, Metric::kL2, ElementType::kF32, slots};
    return FactOf(FromProto(ToProto(spec)).status(), kFieldFact).value_or("none");
  };
  EXPECT_EQ(field_of({{0, 4096}}), "none");
  EXPECT_EQ(field_of({{0, 1}, {1, 2}}), "none");
  for (const Slots& bad : {Slots{}, Slots{{0, 4097}}, Slots{{5, 5}}, Slots{{6, 5}},
                           Slots{{0, 10}, {9, 20}}, Slots{{10, 20}, {0, 5}}, Slots(5000, {0, 1})}) {
    EXPECT_EQ(field_of(bad), "slot_begins") << bad.size();
  }
  v1::ShardSpec uneven;
  uneven.set_incarnation(std::string(16, 'i'));
  uneven.set_dimension(1);
  uneven.set_metric(v1::METRIC_L2);
  uneven.set_element_type(v1::ELEMENT_TYPE_F32);
  uneven.add_slot_begins(0);
  EXPECT_EQ(FactOf(FromProto(uneven).status(), kFieldFact), "slot_ends");
}

TEST(ShardMessagesTest, FieldsArriveByPlaceAndWhatIsNoFieldIsRefused) {
  const SetFieldsCall call{7,
                           Uuid::Random(),
                           9,
                           {{"", FieldType::kKeyword, FieldState::kFree},
                            {"year", FieldType::kInteger, FieldState::kBuilding}}};
  const auto got = FromProto(ToProto(call));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->shard, 7u);
  EXPECT_EQ(got->incarnation, call.incarnation);
  EXPECT_EQ(got->revision, 9u);
  ASSERT_EQ(got->fields.size(), 2u);
  EXPECT_EQ(got->fields[0].state, FieldState::kFree);
  EXPECT_EQ(got->fields[1], (PayloadField{"year", FieldType::kInteger}));
  v1::ShardSetFieldsCall bad = ToProto(call);
  bad.mutable_payload_fields(1)->set_name("no such!");
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "payload_fields[1].name");
  bad = ToProto(call);
  bad.set_incarnation("short");
  EXPECT_EQ(FactOf(FromProto(bad).status(), kFieldFact), "incarnation");
}

TEST(ShardMessagesTest, AFailedTrainingKeepsItsReason) {
  TrainingState state;
  state.done = true;
  state.progress = 0.5;
  state.artifact = "a";
  state.artifact_bytes = 3;
  state.error = Error(absl::StatusCode::kFailedPrecondition, "DEGENERATE_POINTS", "all equal");
  const TrainingState got = FromProto(ToProto(state));
  EXPECT_TRUE(got.done);
  EXPECT_EQ(got.progress, 0.5);
  EXPECT_EQ(got.artifact_bytes, 3u);
  EXPECT_EQ(ReasonOf(got.error), "DEGENERATE_POINTS");
  state.error = absl::OkStatus();
  EXPECT_TRUE(FromProto(ToProto(state)).error.ok());
}

TEST(ShardMessagesTest, AStatArrivesAsItWasSent) {
  ShardStat stat;
  stat.ready = true;
  stat.not_ready_reason = "why";
  stat.epoch = 1;
  stat.applied_lsn = 2;
  stat.live_points = 3;
  stat.rows = 4;
  stat.indexes = {{"v", true, 5, 6, 7, 16, 17, 18, 19, 20}};
  stat.memory = {8, 9, 10, 11, 12};
  stat.disk_bytes = 13;
  stat.incarnation = Uuid::Random();
  stat.fields_revision = 21;
  stat.fields = {{"year", FieldType::kInteger, FieldState::kBuilding, 22, 23, 24, "first"},
                 {"", FieldType::kKeyword, FieldState::kFree, 0, 0, 0, ""}};
  const std::vector<FieldStat> fields = stat.fields;
  const Uuid incarnation = stat.incarnation;
  const auto got = FromProto(ToProto(std::move(stat)));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->ready);
  EXPECT_EQ(got->not_ready_reason, "why");
  EXPECT_EQ(got->rows, 4u);
  EXPECT_EQ(got->fields_revision, 21u);
  EXPECT_EQ(got->fields, fields);
  ASSERT_EQ(got->indexes.size(), 1u);
  EXPECT_EQ(got->indexes[0].version, "v");
  EXPECT_EQ(got->indexes[0].out_of_range_rows, 7u);
  EXPECT_EQ(got->indexes[0].lists, 16u);
  EXPECT_EQ(got->indexes[0].list_rows, 17u);
  EXPECT_EQ(got->indexes[0].list_rows_max, 18u);
  EXPECT_EQ(got->indexes[0].large_list_rows, 19u);
  EXPECT_EQ(got->indexes[0].dead_rows, 20u);
  EXPECT_EQ(got->memory.tombstones, 12u);
  EXPECT_EQ(got->disk_bytes, 13u);
  EXPECT_EQ(got->incarnation, incarnation);
}

TEST(FrameQueueTest, AFrameTakesWhatWaitsUpToItsSizeAndAlwaysOneMessage) {
  FrameQueue<v1::ShardCall> queue;
  const auto push = [&](uint64_t call, size_t bytes) {
    v1::ShardCall message;
    message.set_call(call);
    message.mutable_search()->set_queries(std::string(bytes, 'q'));
    const size_t size = message.ByteSizeLong();
    queue.Push(std::move(message), size);
  };
  push(1, 10);
  push(2, 10);
  push(3, 3 << 20);
  push(4, 3 << 20);
  push(5, 30 << 20);
  push(6, 10);
  const auto frame = [&] {
    std::vector<uint64_t> calls;
    queue.FillFrame([&](v1::ShardCall&& message) {
      calls.push_back(message.call());
      return true;
    });
    return calls;
  };
  EXPECT_EQ(frame(), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(frame(), (std::vector<uint64_t>{4}));
  EXPECT_EQ(frame(), (std::vector<uint64_t>{5}));
  EXPECT_EQ(frame(), (std::vector<uint64_t>{6}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(FrameQueueTest, ARemovedMessageTakesItsBytesWithIt) {
  FrameQueue<v1::ShardCall> queue;
  for (uint64_t call = 1; call <= 3; ++call) {
    v1::ShardCall message;
    message.set_call(call);
    queue.Push(std::move(message), 100 * call);
  }
  const auto is_second = [](const v1::ShardCall& message) { return message.call() == 2; };
  queue.Remove(is_second);
  EXPECT_EQ(queue.bytes(), 400u);
  queue.Remove(is_second);  // it is gone: nothing
  EXPECT_EQ(queue.size(), 2u);
  std::vector<uint64_t> calls;
  queue.FillFrame([&](v1::ShardCall&& message) {
    calls.push_back(message.call());
    return true;
  });
  EXPECT_EQ(calls, (std::vector<uint64_t>{1, 3}));
  EXPECT_EQ(queue.bytes(), 0u);
}

}  // namespace
}  // namespace kith::rpc
