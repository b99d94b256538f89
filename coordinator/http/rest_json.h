#ifndef KITH_COORDINATOR_HTTP_REST_JSON_H_
#define KITH_COORDINATOR_HTTP_REST_JSON_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "coordinator/http/api_descriptors.h"

namespace kith::http {

// An object or a string is two or three bytes of text and up to a hundred of memory. The largest
// request that our limits let pass (256 conditions of 1,000 ids) has a million of them.
struct JsonLimits {
  ptrdiff_t members_max = 2'000'000;
  size_t message_bytes_max = limits::kMessageBytesMax;
};

// Protobuf's own JSON mapping, both ways, over the wire form of messages.

// INVALID_ARGUMENT BAD_REQUEST for what is no JSON object in UTF-8, and naming the field where one
// is unknown or its value has another type; BATCH_TOO_LARGE where it has so many members that the
// message would be many times as large as the text, or where it is larger than a gRPC message may
// be.
absl::StatusOr<std::string> MessageFromJson(const ApiDescriptors& api,
                                            const google::protobuf::Descriptor& type,
                                            std::string_view json, const JsonLimits& limits = {});

// Zeros and empty lists are written out: an answer has the same members whatever was found.
// INTERNAL for bytes that are no such message.
absl::StatusOr<std::string> MessageToJson(const ApiDescriptors& api,
                                          const google::protobuf::Descriptor& type,
                                          const std::string& message);

// `text` as a JSON string, quotes included.
std::string Quoted(std::string_view text);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_REST_JSON_H_
