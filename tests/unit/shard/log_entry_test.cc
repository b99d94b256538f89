#include "shard/write/log_entry.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kith::shard {
namespace {

constexpr size_t kVectorBytes = 8;

std::string Sample() {
  const std::string resolved = {1, 2, 1};
  const std::string outcomes = {1, 1, 1};
  const std::string keys(3 * PointKey::kSize, 'k');
  const uint32_t sizes[] = {3, 0};
  LogEntry entry;
  entry.request_id = "0123456789abcdef";
  entry.body_hash = "fedcba9876543210";
  entry.unix_ms = 77;
  entry.resolved = resolved;
  entry.outcomes = outcomes;
  entry.keys = keys;
  entry.payload_sizes = {reinterpret_cast<const char*>(sizes), sizeof(sizes)};
  entry.vectors = "vector-Avector-B";
  entry.payloads = "pay";
  return EncodeLogEntry(entry);
}

TEST(LogEntry, ComesBackAsItWasWritten) {
  const std::string bytes = Sample();
  const auto entry = DecodeLogEntry(bytes, kVectorBytes);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->count(), 3u);
  EXPECT_EQ(entry->request_id, "0123456789abcdef");
  EXPECT_EQ(entry->unix_ms, 77u);
  EXPECT_EQ(entry->vectors, "vector-Avector-B");
  EXPECT_EQ(entry->payloads, "pay");
}

TEST(LogEntry, RefusesEveryTruncation) {
  const std::string bytes = Sample();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeLogEntry(bytes.substr(0, size), kVectorBytes).ok()) << size;
  }
  EXPECT_FALSE(DecodeLogEntry(bytes + "x", kVectorBytes).ok());
}

TEST(LogEntry, RefusesAVectorSizeItWasNotWrittenWith) {
  EXPECT_EQ(DecodeLogEntry(Sample(), kVectorBytes + 1).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(LogEntry, NeverSkipsAKindItDoesNotKnow) {
  std::string bytes = Sample();
  bytes[1] = 9;
  EXPECT_EQ(DecodeLogEntry(bytes, kVectorBytes).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

WriteReply SampleReply() {
  WriteReply reply;
  reply.lsn = 5;
  reply.epoch = 1;
  reply.outcomes = {WriteOutcome::kOk, WriteOutcome::kVersionMismatch, WriteOutcome::kOk,
                    WriteOutcome::kVersionMismatch};
  reply.versions = {PutVersion(5, 0), 77, 0, 78};
  return reply;
}
WriteCall CallOf(std::vector<WriteKind> kinds) {
  WriteCall call;
  call.kinds = std::move(kinds);
  return call;
}
const WriteCall kSampleCall =
    CallOf({WriteKind::kUpsert, WriteKind::kUpsert, WriteKind::kDelete, WriteKind::kDelete});

TEST(LogEntry, RemembersTheReplyOfARepeatedRequestWithTheVersionsOfWhatWasRefused) {
  const auto reply = DecodeDedupeReply(EncodeDedupeReply(SampleReply()), kSampleCall);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->lsn, 5u);
  EXPECT_EQ(reply->epoch, 1u);
  EXPECT_EQ(reply->outcomes, SampleReply().outcomes);
  EXPECT_EQ(reply->versions, SampleReply().versions);
}

TEST(LogEntry, ARememberedReplyThatIsCutOrOfAnotherRequestIsCorrupt) {
  const std::string bytes = EncodeDedupeReply(SampleReply());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeDedupeReply(bytes.substr(0, size), kSampleCall).ok()) << size;
  }
  EXPECT_FALSE(DecodeDedupeReply(bytes + "x", kSampleCall).ok());
  EXPECT_FALSE(DecodeDedupeReply(bytes, CallOf({WriteKind::kUpsert})).ok());
}

TEST(LogEntry, ARememberedReplyToAFilterThatIsCutOrAnswersAnotherKindOfRequestIsCorrupt) {
  WriteReply reply = SampleReply();
  reply.version_below = 99;
  reply.has_more = true;
  WriteCall call = CallOf({WriteKind::kMergePayload});
  call.selection.emplace();
  const std::string bytes = EncodeDedupeReply(reply);
  ASSERT_TRUE(DecodeDedupeReply(bytes, call).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeDedupeReply(bytes.substr(0, size), call).ok()) << size;
  }
  EXPECT_FALSE(DecodeDedupeReply(bytes, kSampleCall).ok()) << "that named its points";
  EXPECT_FALSE(DecodeDedupeReply(EncodeDedupeReply(SampleReply()), call).ok());
  std::string no_bound = bytes;
  std::fill_n(no_bound.end() - 9, 8, '\0');
  EXPECT_FALSE(DecodeDedupeReply(no_bound, call).ok());
  std::string strange = bytes;
  strange.back() = 2;
  EXPECT_FALSE(DecodeDedupeReply(strange, call).ok());
}

TEST(LogEntry, ARequestIdIsUsedAgainWhereTheRememberedReplyIsOfOtherOperations) {
  WriteReply of_filter = SampleReply();
  of_filter.version_below = 99;
  WriteCall filter = CallOf({WriteKind::kMergePayload});
  filter.selection.emplace();
  const std::string named = EncodeDedupeReply(SampleReply());
  const std::string selected = EncodeDedupeReply(of_filter);
  EXPECT_FALSE(AnswersOtherOperations(named, kSampleCall));
  EXPECT_FALSE(AnswersOtherOperations(selected, filter));
  EXPECT_TRUE(AnswersOtherOperations(named, CallOf({WriteKind::kUpsert})));
  EXPECT_TRUE(AnswersOtherOperations(named, filter));
  EXPECT_TRUE(AnswersOtherOperations(selected, kSampleCall));
  EXPECT_FALSE(AnswersOtherOperations(named.substr(1), kSampleCall)) << "that is damage";
}

TEST(LogEntry, AnEntryOfAFilterWithoutItsBoundIsCorrupt) {
  LogEntry entry;
  entry.version_below = 99;
  entry.has_more = true;
  const std::string bytes = EncodeLogEntry(entry);
  ASSERT_TRUE(DecodeLogEntry(bytes, 8).ok());
  std::string no_bound = bytes;
  std::fill_n(no_bound.begin() + 32, 8, '\0');
  EXPECT_FALSE(DecodeLogEntry(no_bound, 8).ok());
  std::string only_more = bytes;
  only_more[20] = 2;
  EXPECT_FALSE(DecodeLogEntry(only_more, 8).ok());
}

TEST(LogEntry, VersionsGrowWithTheLogAndWithinARequest) {
  EXPECT_LT(PutVersion(1, 9'999), PutVersion(2, 0));
  EXPECT_LT(PutVersion(1, 0), PutVersion(1, 1));
}

}  // namespace
}  // namespace kith::shard
