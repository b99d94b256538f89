#ifndef KITH_COMMON_PAYLOAD_PAYLOAD_SCHEMA_H_
#define KITH_COMMON_PAYLOAD_PAYLOAD_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace kith {

enum class FieldType : uint8_t { kKeyword = 1, kInteger = 2, kDouble = 3, kBoolean = 4 };

// "keyword", "integer", "double" or "boolean".
const char* NameOf(FieldType type);

// How far a place of the schema is (docs/decisions/0057).
enum class FieldState : uint8_t {
  kReady = 1,     // filters may name the field
  kBuilding = 2,  // what is written is checked and indexed; what was there before is not all yet
  kDropping = 3,  // in the coordinator's record: it is nothing to anybody, some shard still has it
  kFree = 4,      // no field: the next one that is added takes the place
};

// A field of the payload that filters may name.
struct PayloadField {
  std::string name;
  FieldType type = FieldType::kKeyword;
  FieldState state = FieldState::kReady;
  double built_share = 0;  // while kBuilding: of the rows that were there; for people, never stored

  bool is_indexed() const { return state == FieldState::kReady || state == FieldState::kBuilding; }
  bool operator==(const PayloadField& other) const {
    return name == other.name && type == other.type && state == other.state;
  }
};

// The indexed fields of a collection. A field's place is its number on disk too: it stays where it
// is, and a field that is taken away leaves a free place. Empty: payloads are bytes that nobody
// looks into.
using PayloadSchema = std::vector<PayloadField>;

// Of those that are indexed.
std::optional<uint16_t> FindField(const PayloadSchema& schema, std::string_view name);
bool HasIndexedFields(const PayloadSchema& schema);

// INVALID_ARGUMENT BAD_REQUEST naming payload_fields[i]: too many fields, a name that is no name, a
// name given twice, a type of no known kind. Free places are passed over.
absl::Status CheckSchema(const PayloadSchema& schema);

// FAILED_PRECONDITION PAYLOAD_INDEX_BUILDING, with how much of it is done, where `field` cannot
// answer yet: what it would find is a part.
absl::Status CheckBuilt(const PayloadField& field);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_PAYLOAD_SCHEMA_H_
