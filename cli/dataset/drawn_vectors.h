#ifndef KITH_CLI_DATASET_DRAWN_VECTORS_H_
#define KITH_CLI_DATASET_DRAWN_VECTORS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/dataset/clustered_model.h"
#include "common/vector/element.h"

namespace kith::cli {

inline constexpr uint64_t kBaseSequence = 0;
inline constexpr uint64_t kQuerySequence = 1;

// Which vectors to draw.
struct DrawnVectors {
  ClusteredModelOptions model;
  ElementType element_type = ElementType::kF32;  // or u8
  uint64_t sequence = kBaseSequence;
  uint64_t rows = 0;
};

// The elements of rows [chunk * kChunkRows, + rows), row-major, as a file of them has.
std::vector<std::byte> DrawElements(const ClusteredModel& model, const DrawnVectors& vectors,
                                    uint64_t chunk);

// A file (.kgen) that describes vectors instead of holding them: a hundred bytes for any number of
// them. What is read from it is drawn again, the same bytes each time.
absl::Status WriteDescription(const std::string& path, const DrawnVectors& vectors);
// INVALID_ARGUMENT naming the file and the member that makes no sense.
absl::StatusOr<DrawnVectors> ReadDescription(const std::string& path);

// The byte of an element x of a unit vector: four standard deviations of 1 / sqrt(dimension) on
// either side of 128.
uint8_t ByteFromElement(float x, double scale);

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_DRAWN_VECTORS_H_
