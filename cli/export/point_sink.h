#ifndef KITH_CLI_EXPORT_POINT_SINK_H_
#define KITH_CLI_EXPORT_POINT_SINK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/element_conversion.h"
#include "cli/data/vector_format.h"
#include "kith/v1/points.pb.h"

namespace kith::cli {

// Where exported points go. Nothing stands under a final name before Commit, and where it fails
// half way what stands there is whole. Threads: one at a time.
class PointSink {
 public:
  virtual ~PointSink() = default;
  // INTERNAL for a point whose vector does not fit the collection.
  virtual absl::Status Add(const v1::StoredPoint& point) = 0;
  virtual absl::Status Commit() = 0;
  virtual uint64_t bytes() const = 0;                  // written so far, without ids
  virtual std::vector<std::string> files() const = 0;  // what Commit makes
  virtual bool keeps_payloads() const = 0;
};

// The file beside a file of vectors that has its ids.
std::string IdsPath(const std::string& path);

// A usage error where the format cannot hold the collection's elements without loss.
absl::StatusOr<std::unique_ptr<PointSink>> OpenPointSink(const std::string& path,
                                                         const VectorFormat& format,
                                                         const VectorSchema& schema);

// A line that JsonlReader reads back to the same id, vector and payload, bit for bit.
absl::StatusOr<std::string> JsonLine(const v1::StoredPoint& point, ElementType type);

}  // namespace kith::cli

#endif  // KITH_CLI_EXPORT_POINT_SINK_H_
