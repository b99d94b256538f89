#ifndef KITH_COMMON_META_META_BOUND_H_
#define KITH_COMMON_META_META_BOUND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace rocksdb {
class Env;
}

namespace kith {

// A lower bound of how many changes a metadata store has seen, and what it held after that many, in
// a file of its own (BOUND) in the store's directory. RocksDB opens a database whose log was
// deleted, or whose last records were cut off, without a complaint, and one that lost a table but
// not the log behind it; a store below its bound, or of another content there, has lost
// collections. A file that is missing or damaged bounds nothing.
struct MetaBound {
  uint64_t changes = 0;  // RocksDB's sequence number
  uint64_t content = 0;  // XXH3-64 of the sizes, keys and values, in order
};

// 32 bytes: "KITHMETA", changes, content, XXH3-64 of the three; little-endian.
std::string EncodeMetaBound(const MetaBound& bound);
std::optional<MetaBound> DecodeMetaBound(const std::string& bytes);

std::optional<MetaBound> ReadMetaBound(rocksdb::Env& env, const std::string& directory);
// Durable, but for the name, when it returns: an older bound is a bound, too.
absl::Status WriteMetaBound(rocksdb::Env& env, const std::string& directory,
                            const MetaBound& bound);

}  // namespace kith

#endif  // KITH_COMMON_META_META_BOUND_H_
