#ifndef KITH_INDEX_GPU_GROUP_PACKING_H_
#define KITH_INDEX_GPU_GROUP_PACKING_H_

#include <cstdint>
#include <cstring>
#include <span>

#include "index/gpu/scan_shape.h"

namespace kith::index::gpu {

// Up to 32 vectors in canonical order: plane A `subspaces` bytes each, biases beside.
struct CanonicalGroup {
  std::span<const uint8_t> plane_a;
  std::span<const uint16_t> bias;  // its size is the number of vectors
};

// Packs them as the scan reads them: byte t of lane l is the code of sub-quantizer (l + t) mod the
// part's. `out` has shape.group_bytes(), and is wholly written: padding is code 0 and bias 0.
inline void PackGroup(const ScanShape& shape, const CanonicalGroup& group, uint8_t* out) {
  std::memset(out, 0, shape.group_bytes());
  const uint32_t part_subspaces = shape.part_subspaces();
  for (uint32_t lane = 0; lane < group.bias.size(); ++lane) {
    const uint8_t* codes = group.plane_a.data() + size_t{lane} * shape.subspaces;
    for (uint32_t part = 0; part < shape.parts; ++part) {
      for (uint32_t step = 0; step < part_subspaces; ++step) {
        const uint32_t m = part * part_subspaces + SkewedSubspace(lane, step, part_subspaces);
        if (m >= shape.subspaces) continue;
        out[size_t{CodeWordOffset(shape, part, step / 4, lane)} * 4 + step % 4] = codes[m];
      }
    }
    std::memcpy(out + size_t{BiasOffset(shape, lane)} * 2, &group.bias[lane], sizeof(uint16_t));
  }
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_GROUP_PACKING_H_
