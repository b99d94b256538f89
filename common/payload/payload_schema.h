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

// A field of the payload that filters may name.
struct PayloadField {
  std::string name;
  FieldType type = FieldType::kKeyword;

  bool operator==(const PayloadField&) const = default;
};

// The indexed fields of a collection. A field's place is its number on disk too: fields are added
// at the end and none is taken away. Empty: payloads are bytes that nobody looks into.
using PayloadSchema = std::vector<PayloadField>;

std::optional<uint16_t> FindField(const PayloadSchema& schema, std::string_view name);

// INVALID_ARGUMENT BAD_REQUEST naming payload_fields[i]: too many fields, a name that is no name, a
// name given twice, a type of no known kind.
absl::Status CheckSchema(const PayloadSchema& schema);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_PAYLOAD_SCHEMA_H_
