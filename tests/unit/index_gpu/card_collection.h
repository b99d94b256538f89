#ifndef KITH_TESTS_UNIT_INDEX_GPU_CARD_COLLECTION_H_
#define KITH_TESTS_UNIT_INDEX_GPU_CARD_COLLECTION_H_

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "index/gpu/card_asker.h"
#include "index/gpu/card_finisher.h"
#include "index/gpu/resident_index.h"
#include "tests/support/gpu/emulated_card.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index::gpu {

struct CollectionShape {
  Metric metric = Metric::kL2;
  ElementType type = ElementType::kF32;
  uint32_t dimension = 24;
  uint32_t subspaces = 12;
  uint32_t lists = 40;
  uint32_t points = 600;
  uint32_t segments = 2;
  uint32_t tail = 20;
  double dead_share = 0.2;
  bool whole_centroids = false;  // bytes, so that the terms of lists are integers
};

// A collection of noise, indexed but for its tail, on the host; made to be put on a card.
class CardCollection {
 public:
  explicit CardCollection(const CollectionShape& shape, uint32_t seed = 1)
      : shape_(shape), random_(seed), rows_(shape.metric, shape.type, shape.dimension) {
    MakeVersion();
    std::vector<std::byte> vector(shape.dimension * ElementSize(shape.type));
    for (uint32_t i = 0; i < shape.points + shape.tail; ++i) {
      Fill(shape.type, vector.data());
      rows_.Add(PointKey::FromNumber(random_()), vector.data());
    }
    const uint32_t share = shape.points / shape.segments;
    for (uint32_t i = 0; i < shape.segments; ++i) {
      std::vector<uint32_t> rows;
      const uint32_t end = i + 1 == shape.segments ? shape.points : (i + 1) * share;
      for (uint32_t row = i * share; row < end; ++row) rows.push_back(row);
      AddSegment(rows);
    }
    std::vector<uint32_t> dead;
    for (uint32_t row = 0; row < rows_.row_end(); ++row) {
      if (random_() < shape.dead_share * 4294967296.0) dead.push_back(row);
    }
    tombstones = tombstones.With(dead);
  }

  void AddSegment(const std::vector<uint32_t>& rows) {
    segments.push_back(
        ListSegment::FromEncoded(*version, NoiseCodes(*version, rows_.table(), rows, random_)));
  }

  IndexView View() const {
    return {.metric = shape_.metric,
            .element_type = shape_.type,
            .dimension = shape_.dimension,
            .rows = rows_.table(),
            .tombstones = &tombstones,
            .version = version.get(),
            .segments = segments,
            .indexed_end = shape_.points,
            .allowed = allowed,
            .allowed_lists = allowed_lists.get()};
  }

  // As one that about this share of the live rows passes; for View from now on.
  void SetFilter(double share) {
    allowed.assign(rows_.row_end() / 64 + 1, 0);
    for (uint32_t row = 0; row < rows_.row_end(); ++row) {
      const bool passes = random_() < share * 4294967296.0 && !tombstones.IsDead(row);
      allowed[row / 64] |= uint64_t{passes} << (row % 64);
    }
    allowed_lists = std::make_unique<AllowedLists>(allowed, segments, shape_.lists);
  }

  std::vector<std::byte> RandomQuery() {
    const ElementType type = QueryType(shape_.type);
    std::vector<std::byte> query(shape_.dimension * ElementSize(type));
    Fill(type, query.data());
    return query;
  }

  ResidentOptions Options() const {
    ResidentOptions options;
    options.limits.batch_max = 8;
    options.limits.probes_max = 64;
    options.limits.segments_max = 8;
    options.limits.entries_max = 2048;
    options.limits.hits_max = 2048;
    options.load = LoadOf(segments, shape_.lists, 1);
    options.load.rows_end = rows_.row_end();
    options.threads = 2;
    options.pair_visits = 1e9;  // never, where a test does not say so
    return options;
  }

  std::shared_ptr<IndexVersion> version;
  std::vector<std::shared_ptr<const ListSegment>> segments;
  Tombstones tombstones;
  std::vector<uint64_t> allowed;  // none: no filter
  std::unique_ptr<AllowedLists> allowed_lists;

 private:
  void MakeVersion() {
    IndexParameters parameters;
    parameters.dimension = shape_.dimension;
    parameters.metric = shape_.metric;
    parameters.element_type = shape_.type;
    parameters.lists = shape_.lists;
    parameters.subspaces = shape_.subspaces;
    const bool raw = shape_.type == ElementType::kU8 && shape_.metric != Metric::kCosine;
    parameters.plane_b = raw ? PlaneB::kRawU8 : PlaneB::kResidual;
    version = NoiseVersion(parameters, random_);
    if (!shape_.whole_centroids) return;
    for (float& value : version->centroids) value = static_cast<float>(random_() % 256);
    DeriveImages(*version);
  }

  void Fill(ElementType type, std::byte* out) {
    std::normal_distribution<float> normal(0, 20);
    for (uint32_t j = 0; j < shape_.dimension; ++j) {
      if (type == ElementType::kU8) {
        out[j] = static_cast<std::byte>(random_());
      } else if (type == ElementType::kF32) {
        const float value = normal(random_);
        std::memcpy(out + 4 * j, &value, 4);
      } else {
        // Halves between 1 and 2, of either sign.
        const uint16_t half = static_cast<uint16_t>(0x3c00 | (random_() & 0x83ff));
        std::memcpy(out + 2 * j, &half, 2);
      }
    }
  }

  CollectionShape shape_;
  std::mt19937 random_;
  ::kith::testing::MemoryRows rows_;
};

// Loads all of a collection.
inline std::unique_ptr<ResidentIndex> LoadAll(Card& card, const CardCollection& collection,
                                              const ResidentOptions& options) {
  auto index = ResidentIndex::Create(card, collection.version, options);
  if (!index.ok()) return nullptr;
  while (true) {
    const Result<bool> more = (*index)->Step(collection.segments);
    if (!more.ok()) return nullptr;
    if (!*more) return std::move(*index);
  }
}

}  // namespace kith::index::gpu

#endif  // KITH_TESTS_UNIT_INDEX_GPU_CARD_COLLECTION_H_
