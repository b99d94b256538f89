#ifndef KITH_COMMON_BASE_LIMITS_H_
#define KITH_COMMON_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

// Every limit on what arrives and on what waits. Those a user may meet stand in docs/api.md.
namespace kith::limits {

inline constexpr uint32_t kDimensionMax = 4096;
inline constexpr uint32_t kSlots = 4096;
inline constexpr uint32_t kShardsMax = 256;
inline constexpr uint32_t kCollectionsMax = 64;
inline constexpr size_t kCollectionNameBytesMax = 63;
inline constexpr uint32_t kLimitDefault = 10;
inline constexpr uint32_t kLimitMax = 10'000;
inline constexpr uint32_t kNprobeMax = 1u << 18;
inline constexpr uint32_t kRefineMax = 100'000;
inline constexpr uint32_t kRerankMax = 50'000;
// Of an f32 vector or query: no distance or product of two such vectors overflows a float.
inline constexpr double kSquaredNormMax = 1e36;
inline constexpr uint32_t kQueriesMax = 1024;
inline constexpr uint64_t kHitsPerBatchMax = 1'000'000;  // queries x limit
inline constexpr uint32_t kPointsPerCallMax = 10'000;
inline constexpr size_t kPayloadBytesMax = 64 << 10;
inline constexpr uint32_t kPayloadDepthMax = 64;  // of a payload with indexed fields
inline constexpr size_t kPayloadFieldsMax = 32;   // indexed, of a collection
inline constexpr size_t kFieldNameBytesMax = 64;
inline constexpr size_t kKeywordBytesMax = 256;
inline constexpr uint32_t kKeywordsPerFieldMax = 64;  // of one point
inline constexpr uint32_t kFilterDepthMax = 16;
inline constexpr uint32_t kFilterConditionsMax = 256;
inline constexpr size_t kFilterValuesMax = 1000;  // of one match_any or has_id
// Of a write to the points that a filter picks: points a batch of one shard, and a call together.
inline constexpr uint32_t kSelectionPointsMax = 500;
inline constexpr uint32_t kSelectedPerCallMax = 10'000;
inline constexpr uint32_t kClearedFieldsMax = 100;  // of one call
inline constexpr size_t kFacetValuesMax = 100'000;  // distinct, of one shard
inline constexpr uint32_t kFacetLimitDefault = 10;
inline constexpr uint32_t kFacetLimitMax = 10'000;
inline constexpr uint32_t kSampleDefault = 10;
inline constexpr uint32_t kSampleMax = 100;        // points that a dry run shows
inline constexpr size_t kAliasesMax = 256;         // of a cluster
inline constexpr uint32_t kAliasChangesMax = 100;  // of one call
inline constexpr size_t kDescriptionBytesMax = 1024;
inline constexpr uint32_t kPageDefault = 100;      // points of a page
inline constexpr size_t kPageBytesMax = 16 << 20;  // of vectors and payloads
inline constexpr size_t kMessageBytesMax = 64 << 20;
inline constexpr int kStreamsPerConnectionMax = 256;
inline constexpr size_t kStreamMessagesMax = 8;      // of one StreamUpsert, unanswered
inline constexpr size_t kStreamBytesMax = 64 << 20;  // of those
inline constexpr int64_t kStreamStallMs = 30'000;    // an answer that the client does not read
inline constexpr size_t kServerBufferBytesMax = size_t{1} << 30;  // gRPC's, of one listening port
inline constexpr size_t kRequestIdBytes = 16;
inline constexpr size_t kBodyHashBytes = 16;
inline constexpr uint32_t kTokensMax = 1024;
inline constexpr int64_t kDeadlineMsMax = 60'000;

inline constexpr size_t kSearchQueueMax = 4096;  // calls waiting at a shard node
inline constexpr size_t kWriteQueueMax = 1024;   // calls waiting at one shard's writer
inline constexpr size_t kWriteQueueBytesMax = 256 << 20;
inline constexpr size_t kAdminQueueMax = 64;
inline constexpr uint32_t kScrollRowsMax = 1024;      // then a scroll lets searches go first
inline constexpr uint32_t kScrollIdsMax = 1 << 17;    // so does one whose filter few points pass
inline constexpr uint64_t kTailRowsMin = 200'000;     // unindexed rows before writes are refused:
inline constexpr double kTailShareMax = 0.01;         // the larger of the two
inline constexpr uint64_t kRowsMax = 0xffff'0000ull;  // of a shard copy
inline constexpr uint64_t kDedupeEntriesMax = 1'000'000;
inline constexpr uint64_t kDedupeAgeMs = 24ull * 3600 * 1000;
inline constexpr size_t kOperationsKeptMax = 1000;
inline constexpr uint32_t kSampleChunkBytes = 8 << 20;
inline constexpr uint32_t kArtifactChunkBytes = 4 << 20;

}  // namespace kith::limits

#endif  // KITH_COMMON_BASE_LIMITS_H_
