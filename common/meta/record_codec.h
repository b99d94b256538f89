#ifndef KITH_COMMON_META_RECORD_CODEC_H_
#define KITH_COMMON_META_RECORD_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"

namespace kith {

// A record as bytes: a format byte, the fields in order (little-endian, strings and lists with a
// u32 count before them), XXH3-64 of all before it. On disk: a change of the fields takes a new
// format byte, and old ones stay readable (1 knew only the serving version). Golden tests hold the
// bytes.
std::string EncodeCollectionRecord(const CollectionRecord& record);

// DATA_LOSS CORRUPTION for a wrong checksum or lengths that lie; FAILED_PRECONDITION
// FORMAT_VERSION where a newer kith wrote it.
absl::StatusOr<CollectionRecord> DecodeCollectionRecord(std::string_view bytes);

// All aliases as bytes, likewise: format byte, pairs of names, XXH3-64.
std::string EncodeAliases(const Aliases& aliases);
absl::StatusOr<Aliases> DecodeAliases(std::string_view bytes);

}  // namespace kith

#endif  // KITH_COMMON_META_RECORD_CODEC_H_
