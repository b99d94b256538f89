#include "bench/gpu/made_index.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "bench/gpu/made_pages.h"
#include "index/plan.h"

namespace kith::bench {

using index::Status;

MadeShape ShapeFor(uint64_t points, uint64_t free_bytes, const index::gpu::CardLimits& limits) {
  constexpr uint64_t kMany = 500'000'000;
  MadeShape shape;
  index::IndexParameters p;
  p.dimension = shape.dimension;
  p.subspaces = shape.subspaces;
  uint64_t wanted = points != 0 ? points : 1'000'000'000;
  while (true) {
    shape.lists = wanted >= kMany ? 1u << 18 : index::AutoLists(wanted);
    p.lists = shape.lists;
    shape.page_vectors = index::gpu::PageVectors(wanted, shape.lists);
    shape.pages_of_list =
        static_cast<uint32_t>(std::max<uint64_t>(1, wanted / shape.lists / shape.page_vectors));
    const index::gpu::CardPlan plan =
        PlanCard(p, {shape.pages(), shape.page_vectors, shape.vectors()}, limits);
    if (plan.total() <= free_bytes / 100 * 97 || wanted < 1'000'000) return shape;
    wanted = wanted / 100 * 97;
  }
}

namespace {

std::unique_ptr<index::IndexVersion> MakeVersion(const MadeShape& shape) {
  std::mt19937 random(1);
  const auto draw = [&random] { return static_cast<float>(random() >> 8) * 0x1p-23f - 1; };
  auto version = std::make_unique<index::IndexVersion>();
  index::IndexParameters& p = version->parameters;
  p.dimension = shape.dimension;
  p.lists = shape.lists;
  p.subspaces = shape.subspaces;
  index::SetPlaneB(0, p);
  for (uint32_t m = 0; m <= p.subspaces; ++m) {
    version->subspace_begins.push_back(m * p.dimension / p.subspaces);
  }
  version->centroids.resize(size_t{p.lists} * p.dimension);
  version->codebooks.resize(size_t{256} * p.dimension);
  for (float& value : version->centroids) value = draw();
  for (float& value : version->codebooks) value = draw() / 4;
  version->refine_min.assign(p.dimension, -0.5f);
  version->refine_scale.assign(p.dimension, 1.0f / 255);
  version->bias_min = 0;
  version->bias_scale = 1e-5f;
  DeriveImages(*version);
  return version;
}

template <typename T>
Status Upload(index::gpu::Card& card, const std::vector<T>& from, index::gpu::OnCard<T>& to) {
  if (Status status = to.Allocate(card, from.size()); !status.ok()) return status;
  if (Status status = card.CopyIn({to.data(), from.data(), to.bytes()}); !status.ok()) {
    return status;
  }
  return card.Wait();
}

}  // namespace

Status MadeIndex::Make(index::gpu::Card& card, const MadeShape& shape,
                       const index::gpu::CardLimits& limits) {
  shape_ = shape;
  version_ = MakeVersion(shape);
  Status status = quantizer_.Load(card, *version_);
  if (status.ok()) {
    status = slab_.Allocate(card, version_->parameters, {shape.pages(), shape.page_vectors});
  }
  if (status.ok()) status = memory_.Allocate(card, quantizer_.view(), limits);
  for (index::gpu::HostBatch& batch : batches_) {
    if (status.ok()) status = batch.Allocate(card, quantizer_.view(), limits);
  }
  std::vector<uint32_t> begins(shape.lists + 1);
  for (uint32_t list = 0; list <= shape.lists; ++list) begins[list] = list * shape.pages_of_list;
  std::vector<uint32_t> pages(shape.pages());
  std::iota(pages.begin(), pages.end(), 0u);
  if (status.ok()) status = Upload(card, begins, begins_);
  if (status.ok()) {
    status =
        Upload(card, std::vector<uint32_t>(shape.lists, shape.pages_of_list * shape.page_vectors),
               counts_);
  }
  if (status.ok()) status = Upload(card, pages, pages_);
  if (status.ok()) {
    status = Upload(
        card, std::vector<index::gpu::SegmentView>{{begins_.data(), counts_.data(), pages_.data()}},
        segment_);
  }
  if (!status.ok()) return status;
  view_.quantizer = quantizer_.view();
  view_.slab = slab_.view();
  view_.segments = segment_.data();
  view_.segment_count = 1;
  // The slab is written by nobody else: its views are read-only for searches only.
  status = FillNoise(const_cast<uint8_t*>(view_.slab.codes), slab_.code_bytes(), 1);
  if (status.ok()) {
    status = FillNoise(const_cast<uint8_t*>(view_.slab.plane_b), slab_.refine_bytes(), 2);
  }
  if (!status.ok()) return status;
  // A row is its slot, and lists have their pages in order.
  status =
      FillNumbers(const_cast<uint32_t*>(view_.slab.rows), shape.pages() * shape.page_vectors, 1);
  if (!status.ok()) return status;
  return FillNumbers(const_cast<uint32_t*>(view_.slab.page_lists), shape.pages(),
                     shape.pages_of_list);
}

void MadeIndex::FillQuery(index::gpu::HostBatch& batch, uint32_t place,
                          const Wanted& wanted) const {
  std::mt19937 random(wanted.seed);
  float* vector = batch.vector(place);
  // Near a centroid, as a query is near some points.
  const float* near = version_->Centroid(random() % shape_.lists);
  for (uint32_t j = 0; j < shape_.dimension; ++j) {
    vector[j] = near[j] + (static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f);
  }
  (void)version_->centroid_codes.EncodePoint(vector, batch.code(place));
  index::gpu::QueryRecord record;
  record.nprobe = wanted.nprobe;
  record.refine = 160;
  record.keep = 40;
  record.stop_ratio = std::numeric_limits<float>::infinity();
  batch.record(place) = record;
}

}  // namespace kith::bench
