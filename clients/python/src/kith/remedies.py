"""What to do about each reason: the table of docs/api.md (a test compares them)."""

REMEDIES = {
    "BAD_REQUEST": "correct the named field",
    "DIMENSION_MISMATCH": "send vectors of the collection's dimension and element type",
    "NON_FINITE_VECTOR": "leave out or repair the vector with NaN or infinity",
    "ZERO_VECTOR_COSINE":
        "a vector without direction has no cosine: leave it out or use another metric",
    "BAD_VECTOR":
        "send it, in one form, within what the element type holds and no longer than 1e18 (squares "
        "up to 1e36): scale down",
    "BAD_ID": "send a number, or a UUID of exactly 16 bytes",
    "LIMIT_OUT_OF_RANGE": "ask for 1 to 10,000",
    "BATCH_TOO_LARGE": "send or ask for less at a time",
    "BAD_PAYLOAD": "send a JSON object whose indexed fields have the types the collection names",
    "BAD_FILTER": "correct the named condition: an indexed field, a value of its type, within the "
                  "limits",
    "PAYLOAD_TOO_LARGE": "send at most 64 KiB a point",
    "REQUEST_ID_REUSED": "send a new request_id with a new body",
    "BAD_PAGE_TOKEN":
        "begin again without a token: this one is damaged, of another collection or of one that "
        "was deleted since; of a search also of another query, filter or parameters",
    "DEADLINE_REQUIRED": "set a deadline of at most 60 s on the call",
    "KEY_REQUIRED": "send a key: authorization: Bearer KEY",
    "BAD_KEY": "look for a typing error; a revoked key must be replaced by a new one",
    "KEY_EXPIRED": "ask for a new key",
    "KEY_READ_ONLY": "use a key that may write to this collection",
    "KEY_NOT_ADMIN": "use a key that may administer this collection",
    "COLLECTION_FORBIDDEN":
        "use a key for this collection (of an alias: for the one it stands for); to set or delete "
        "an alias, one for its own name, too; for backups, one for all",
    "QUOTA_EXCEEDED": "come back after RetryInfo; QuotaFailure names the quota of the key",
    "COLLECTION_NOT_FOUND": "create it, or wait until its creation ends",
    "COLLECTION_EXISTS": "another name, or delete it first",
    "COLLECTION_LIMIT": "delete a collection",
    "COLLECTION_HAS_ALIASES": "move or delete the alias that is named, then delete the collection",
    "ETAG_MISMATCH": "read the collection again (etag), decide again",
    "ALIAS_NOT_FOUND": "list the aliases; there is none of that name",
    "ALIAS_EXISTS": "another name for the collection, or delete the alias first",
    "ALIAS_LIMIT": "delete an alias",
    "TOO_MANY_VALUES": "narrow the points with a filter: the field has too many values to count",
    "POINT_NOT_FOUND": "no such point (update only, payload changes, or a search by its id)",
    "POINT_EXISTS": "the id is present, and the mode is insert only",
    "VERSION_MISMATCH": "read the point again (stored_version), decide again",
    "OPERATION_NOT_FOUND": "kept for a day, and not over a restart of the coordinator",
    "TOO_FEW_POINTS": "add points; until then searches are exact",
    "DEGENERATE_POINTS": "the sample's points are (nearly) all equal: nothing can be trained",
    "TRAINING_IN_PROGRESS": "wait for the operation, or cancel it",
    "OPERATION_IN_PROGRESS": "wait for the operation that is named, or cancel it",
    "INDEX_NOT_TRAINED": "train first",
    "INDEX_VERSION_NOT_READY":
        "of a search: versions were promoted while it ran, try again. Of a promotion or rollback: "
        "wait until the shard that is named has the version ready",
    "INDEX_VERSION_NOT_FOUND":
        "list the versions; there is none of that name, or none to go back to",
    "INDEX_VERSION_SERVING": "promote another version before this one is dropped",
    "PAYLOAD_INDEX_BUILDING":
        "wait for the operation that adds the field, then filter by it; leave the field out till "
        "then",
    "PAYLOAD_INDEX_EXISTS": "it is indexed as another type: delete that index first",
    "PAYLOAD_INDEX_NOT_FOUND": "the field has no index; the collection names those that have one",
    "PAYLOAD_INDEX_MISFIT":
        "the point that is named holds another type in that field: change or delete it, or index "
        "the field as another type; nothing was indexed",
    "LOG_FULL":
        "wait and repeat: the node's log is longer than storage.log_max_mb, its checkpoints are "
        "behind",
    "DISK_FULL": "free space on the node",
    "QUEUE_FULL": "come back after RetryInfo, send fewer calls at a time",
    "OVERLOADED":
        "more comes than the nodes can answer in time, nothing was done: come back after RetryInfo",
    "INDEXING_BEHIND": "writes outrun encoding: come back after RetryInfo",
    "MEMORY_LIMIT":
        "the training, or the points expected, do not fit (steady_bytes, peak_bytes, by "
        "short_bytes): more memory or more nodes",
    "BACKUPS_OFF":
        "set backup.directory and start the server again; role all alone makes backups",
    "BACKUP_NOT_FOUND": "list the backups; there is none of that name",
    "BACKUP_EXISTS": "another name, or delete that backup first",
    "BACKUP_IN_PROGRESS": "wait for the operation that is named, or cancel it",
    "GPU_REQUIRED":
        "search.require_gpu is set and the card does not serve this index; the message says why: "
        "free its memory, take a larger card, or turn the key off",
    "ROW_LIMIT": "2^32 row versions a shard: more shards",
    "SHARD_UNAVAILABLE": "start the node that is named, or try again when it is back",
    "WRONG_SHARD": "a bug, or a node with another cluster's data",
    "WRONG_EPOCH": "try again: the coordinator learns the new epoch",
    "WRONG_INCARNATION":
        "the node's directory belongs to another cluster or an earlier collection of the name: "
        "give it its own",
    "NOT_READY": "the shard loads, builds its index or is behind a token: try again",
    "DRAINING": "the process stops: try again",
    "DEADLINE": "nothing was done, or a read was not finished: allow more time",
    "COVERAGE_BELOW_MINIMUM": "try again, or accept less with min_coverage",
    "UNKNOWN_OUTCOME":
        "a write may have been done: repeat it with the same request_id. Of CreateCollection: "
        "look whether it is there",
    "CORRUPTION":
        "a checksum or a reply does not fit: kith collection verify, then restore the node",
    "FORMAT_VERSION": "start the version that wrote the directory",
    "DIRECTORY_IN_USE": "another process has the data directory",
    "STORAGE": "the disk failed or is read-only; the message says more",
    "CHANGED_MEANWHILE": "hits were left out because their points kept changing; ask again",
}
