#ifndef KITH_INDEX_GPU_CARD_PLAN_H_
#define KITH_INDEX_GPU_CARD_PLAN_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "index/gpu/scan_shape.h"
#include "index/index_version.h"

// Header-only arithmetic: what an index takes of a card's memory, before any of it is asked for.
namespace kith::index::gpu {

// What searches may ask for at most; a query beyond it is the CPU's.
struct CardLimits {
  uint32_t batch_max = 1024;    // queries that run at once
  uint32_t probes_max = 1024;   // lists of a query
  uint32_t segments_max = 16;   // of an index
  uint32_t entries_max = 8192;  // candidates of a query between two cuts: a power of two
  uint32_t hits_max = 1024;     // that leave the card for a query: a power of two
};

// Why the kernels do not take an index of this shape; empty where they do.
inline std::string ShapeFault(const IndexParameters& parameters) {
  if (parameters.dimension > kDimensionMax) {
    return "the kernels take up to " + std::to_string(kDimensionMax) +
           " dimensions, the index has " + std::to_string(parameters.dimension);
  }
  if (parameters.subspaces == 0 || parameters.subspaces > kSubspacesMax) {
    return "the kernels take plane A of 1 to " + std::to_string(kSubspacesMax) +
           " bytes, the index has " + std::to_string(parameters.subspaces);
  }
  if (parameters.plane_b != PlaneB::kResidual && parameters.plane_b != PlaneB::kRawU8) {
    return "the kernels take plane B of a byte a dimension, the index packs it otherwise";
  }
  return {};
}

// Vectors of a page: few enough that the last one of a list wastes little, 32 to 1024.
constexpr uint32_t PageVectors(uint64_t vectors, uint32_t lists) {
  const uint64_t wanted = vectors / std::max<uint64_t>(lists, 1) / 32;
  return std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_floor(std::max<uint64_t>(wanted, 1))),
                              kGroupVectors, 1024);
}

constexpr uint64_t PagesOfList(uint64_t vectors, uint32_t page_vectors) {
  return (vectors + page_vectors - 1) / page_vectors;
}

struct CardPlan {
  uint64_t codes = 0;  // plane A, biases
  uint64_t refine = 0;
  uint64_t rows = 0;  // numbers of rows, and where the pages are
  uint64_t quantizer = 0;
  uint64_t tombstones = 0;
  uint64_t filter = 0;  // the rows that pass the one used last
  uint64_t work = 0;    // what searches use
  constexpr uint64_t total() const {
    return codes + refine + rows + quantizer + tombstones + filter + work;
  }
};

// The pages alone.
constexpr CardPlan PlanPages(const IndexParameters& p, uint64_t pages, uint32_t page_vectors) {
  CardPlan plan;
  const ScanShape shape = MakeScanShape(p.subspaces);
  plan.codes = pages * (page_vectors / kGroupVectors) * shape.group_bytes();
  plan.refine = pages * page_vectors * p.dimension;
  plan.rows = pages * (uint64_t{page_vectors} * 4 + 4);
  return plan;
}

constexpr uint64_t QuantizerBytes(const IndexParameters& p) {
  const uint64_t panel_lists = (uint64_t{p.lists} + 63) / 64 * 64;
  const uint64_t width = (uint64_t{p.dimension} + 3) / 4 * 4;
  return panel_lists * (width + 4) + p.lists + uint64_t{p.lists} * p.dimension * 4 +
         uint64_t{p.dimension} * (256 + 2) * 4 + (uint64_t{p.subspaces} + 1) * 4;
}

// Room for the visits of a round: of each list an even number.
constexpr uint64_t PairVisits(uint32_t lists, const CardLimits& limits) {
  const uint64_t visits = uint64_t{limits.batch_max} * limits.probes_max;
  return visits + std::min<uint64_t>(visits, lists);
}
// What batches have beside their queries: of lists, where the visits are, and those.
constexpr uint64_t PairListBytes(const IndexParameters& p, const CardLimits& limits) {
  return uint64_t{p.lists} * 8 + 4 + PairVisits(p.lists, limits) * 8;
}

// Of one query of a batch, by the parts of BatchView.
constexpr uint64_t QueryWorkBytes(const IndexParameters& p, const CardLimits& limits) {
  const uint64_t panels = (uint64_t{p.lists} + 63) / 64;
  const uint64_t width = (uint64_t{p.dimension} + 3) / 4 * 4;
  const uint64_t in = 32 + width + uint64_t{p.dimension} * 5;
  const uint64_t probes = uint64_t{limits.probes_max} * (8 + 4 * limits.segments_max) + 4;
  const uint64_t table = uint64_t{MakeScanShape(p.subspaces).padded()} * kCodes + 8;
  return in + panels * 4 + probes + uint64_t{limits.entries_max} * 16 + 40 + table + 40 +
         uint64_t{limits.hits_max} * 8;
}

struct PlannedLoad {
  uint64_t pages = 0;
  uint32_t page_vectors = 0;
  uint64_t rows_end = 0;  // row numbers are below it
};

constexpr CardPlan PlanCard(const IndexParameters& p, const PlannedLoad& load,
                            const CardLimits& limits) {
  CardPlan plan = PlanPages(p, load.pages, load.page_vectors);
  plan.rows += limits.segments_max * (uint64_t{p.lists} * 8 + 4) + load.pages * 4;
  plan.quantizer = QuantizerBytes(p);
  plan.tombstones = (load.rows_end + 4095) / 4096 * 512;
  plan.filter = plan.tombstones;
  plan.work = limits.batch_max * QueryWorkBytes(p, limits) + PairListBytes(p, limits);
  return plan;
}

// Of `vectors` that spread evenly: the last page of a list is half full.
constexpr PlannedLoad EvenLoad(uint64_t vectors, uint32_t lists) {
  PlannedLoad load;
  load.page_vectors = PageVectors(vectors, lists);
  load.pages = vectors / load.page_vectors + lists / 2 + 1;
  load.rows_end = vectors;
  return load;
}

// Empty where it fits; else by how much the card is too small.
inline std::string RoomFault(const CardPlan& plan, uint64_t free_bytes) {
  if (plan.total() <= free_bytes) return {};
  const auto mb = [](uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20); };
  return "the index takes " + mb(plan.total()) + " MB of the card (codes " + mb(plan.codes) +
         ", refine " + mb(plan.refine) + ", rows " + mb(plan.rows) + ", quantizer " +
         mb(plan.quantizer) + ", tombstones " + mb(plan.tombstones) + ", filter " +
         mb(plan.filter) + ", work " + mb(plan.work) + "), of which " + mb(free_bytes) +
         " MB are free: it is " + mb(plan.total() - free_bytes) + " MB too small";
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_PLAN_H_
