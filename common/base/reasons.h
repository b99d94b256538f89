#ifndef KITH_COMMON_BASE_REASONS_H_
#define KITH_COMMON_BASE_REASONS_H_

// The reasons a caller may act on; docs/api.md lists them with what to do. Never rename one.
namespace kith::reason {

inline constexpr char kBadRequest[] = "BAD_REQUEST";
inline constexpr char kDimensionMismatch[] = "DIMENSION_MISMATCH";
inline constexpr char kNonFiniteVector[] = "NON_FINITE_VECTOR";
inline constexpr char kZeroVectorCosine[] = "ZERO_VECTOR_COSINE";
inline constexpr char kBadVector[] = "BAD_VECTOR";
inline constexpr char kBadId[] = "BAD_ID";
inline constexpr char kLimitOutOfRange[] = "LIMIT_OUT_OF_RANGE";
inline constexpr char kBatchTooLarge[] = "BATCH_TOO_LARGE";
inline constexpr char kPayloadTooLarge[] = "PAYLOAD_TOO_LARGE";
inline constexpr char kBadPayload[] = "BAD_PAYLOAD";
inline constexpr char kBadFilter[] = "BAD_FILTER";
inline constexpr char kRequestIdReused[] = "REQUEST_ID_REUSED";
inline constexpr char kBadPageToken[] = "BAD_PAGE_TOKEN";
inline constexpr char kDeadlineRequired[] = "DEADLINE_REQUIRED";
inline constexpr char kCollectionNotFound[] = "COLLECTION_NOT_FOUND";
inline constexpr char kCollectionExists[] = "COLLECTION_EXISTS";
inline constexpr char kCollectionLimit[] = "COLLECTION_LIMIT";
inline constexpr char kEtagMismatch[] = "ETAG_MISMATCH";
inline constexpr char kAliasNotFound[] = "ALIAS_NOT_FOUND";
inline constexpr char kAliasExists[] = "ALIAS_EXISTS";
inline constexpr char kAliasLimit[] = "ALIAS_LIMIT";
inline constexpr char kCollectionHasAliases[] = "COLLECTION_HAS_ALIASES";
inline constexpr char kTooManyValues[] = "TOO_MANY_VALUES";
inline constexpr char kPointNotFound[] = "POINT_NOT_FOUND";
inline constexpr char kPointExists[] = "POINT_EXISTS";
inline constexpr char kVersionMismatch[] = "VERSION_MISMATCH";
inline constexpr char kOperationNotFound[] = "OPERATION_NOT_FOUND";
inline constexpr char kTooFewPoints[] = "TOO_FEW_POINTS";
inline constexpr char kDegeneratePoints[] = "DEGENERATE_POINTS";
inline constexpr char kTrainingInProgress[] = "TRAINING_IN_PROGRESS";
inline constexpr char kOperationInProgress[] = "OPERATION_IN_PROGRESS";
inline constexpr char kIndexNotTrained[] = "INDEX_NOT_TRAINED";
inline constexpr char kIndexVersionNotReady[] = "INDEX_VERSION_NOT_READY";
inline constexpr char kIndexVersionNotFound[] = "INDEX_VERSION_NOT_FOUND";
inline constexpr char kIndexVersionServing[] = "INDEX_VERSION_SERVING";
inline constexpr char kPayloadIndexBuilding[] = "PAYLOAD_INDEX_BUILDING";
inline constexpr char kPayloadIndexExists[] = "PAYLOAD_INDEX_EXISTS";
inline constexpr char kPayloadIndexNotFound[] = "PAYLOAD_INDEX_NOT_FOUND";
inline constexpr char kPayloadIndexMisfit[] = "PAYLOAD_INDEX_MISFIT";
inline constexpr char kDiskFull[] = "DISK_FULL";
inline constexpr char kLogFull[] = "LOG_FULL";
inline constexpr char kQueueFull[] = "QUEUE_FULL";
inline constexpr char kOverloaded[] = "OVERLOADED";
inline constexpr char kIndexingBehind[] = "INDEXING_BEHIND";
inline constexpr char kMemoryLimit[] = "MEMORY_LIMIT";
inline constexpr char kRowLimit[] = "ROW_LIMIT";
inline constexpr char kShardUnavailable[] = "SHARD_UNAVAILABLE";
inline constexpr char kWrongShard[] = "WRONG_SHARD";
inline constexpr char kWrongEpoch[] = "WRONG_EPOCH";
inline constexpr char kWrongIncarnation[] = "WRONG_INCARNATION";
inline constexpr char kNotReady[] = "NOT_READY";
inline constexpr char kDraining[] = "DRAINING";
inline constexpr char kDeadline[] = "DEADLINE";
inline constexpr char kCoverageBelowMinimum[] = "COVERAGE_BELOW_MINIMUM";
inline constexpr char kChangedMeanwhile[] = "CHANGED_MEANWHILE";
inline constexpr char kUnknownOutcome[] = "UNKNOWN_OUTCOME";
inline constexpr char kCorruption[] = "CORRUPTION";
inline constexpr char kFormatVersion[] = "FORMAT_VERSION";
inline constexpr char kDirectoryInUse[] = "DIRECTORY_IN_USE";
inline constexpr char kStorage[] = "STORAGE";
inline constexpr char kBackupsOff[] = "BACKUPS_OFF";
inline constexpr char kBackupNotFound[] = "BACKUP_NOT_FOUND";
inline constexpr char kBackupExists[] = "BACKUP_EXISTS";
inline constexpr char kBackupInProgress[] = "BACKUP_IN_PROGRESS";
inline constexpr char kGpuRequired[] = "GPU_REQUIRED";

}  // namespace kith::reason

#endif  // KITH_COMMON_BASE_REASONS_H_
