#ifndef KITH_CLI_CLIENT_WIRE_H_
#define KITH_CLI_CLIENT_WIRE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/console/json_output.h"
#include "cli/data/element_conversion.h"
#include "common/vector/point_key.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/search.pb.h"
#include "kith/v1/types.pb.h"

// Between what a user writes and reads and what stands on the wire.
namespace kith::cli {

absl::StatusOr<v1::Metric> ParseMetric(std::string_view text);            // usage error: --metric
absl::StatusOr<v1::ElementType> ParseElementType(std::string_view text);  // usage error: --dtype
// INTERNAL for a value that this program does not know.
absl::StatusOr<VectorSchema> SchemaOf(const v1::Collection& collection);

v1::PointId ToProto(const PointKey& key);
std::string IdText(const v1::PointId& id);
Json IdJson(const v1::PointId& id);  // a number, or a string with the UUID

// Numbers separated by commas or spaces, in brackets or not. The usage error names `option`.
absl::StatusOr<std::vector<float>> ParseNumbers(std::string_view text, std::string_view option);
absl::StatusOr<v1::PointId> ParseId(std::string_view text);  // usage error: ID

// The elements of a stored vector; INTERNAL where its bytes do not fit the element type.
absl::StatusOr<std::vector<float>> Elements(const v1::Vector& vector, ElementType type);
// A payload as JSON, or as a string where it is none.
Json PayloadJson(const std::string& payload);

Json ToJson(const v1::Collection& collection);
Json ToJson(const v1::PlanCollectionResponse& plan);
Json ToJson(const google::protobuf::RepeatedPtrField<v1::RecallPoint>& curve);
Json ToJson(const v1::RecallAtTarget& measure);
Json ToJson(const v1::RecallComparison& comparison);
Json ToJson(const v1::IndexHealth& health);
Json ToJson(const v1::Operation& operation);
Json ToJson(const v1::Coverage& coverage);
Json ToJson(const v1::Explanation& explanation);
std::string_view FieldTypeName(v1::FieldType type);              // "keyword", ...
std::string_view FieldStateName(v1::PayloadField::State state);  // "ready", ...
std::string_view StatusName(v1::Collection::Status status);      // "green", ...
std::string_view StateName(v1::Operation::State state);          // "running", ...

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_WIRE_H_
