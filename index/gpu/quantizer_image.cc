#include "index/gpu/quantizer_image.h"

#include <vector>

namespace kith::index::gpu {
namespace {

template <typename T>
Status Upload(Card& card, const T* from, uint64_t count, OnCard<T>& to) {
  if (Status status = to.Allocate(card, count); !status.ok()) return status;
  if (count == 0) return {};
  return card.CopyIn({to.data(), from, count * sizeof(T)});
}

}  // namespace

Status QuantizerImage::Load(Card& card, const IndexVersion& version) {
  const IndexParameters& p = version.parameters;
  const bool product = p.metric == Metric::kInnerProduct;
  const CentroidCodes& codes = version.centroid_codes;
  const BytePanels panels = product ? codes.product_panels() : codes.distance_panels();
  std::vector<uint8_t> odd(p.lists);
  for (uint32_t list = 0; list < p.lists; ++list) {
    odd[list] = static_cast<uint8_t>(codes.Distance(0, 0, list));
  }
  std::vector<float> refine = version.refine_min;
  refine.insert(refine.end(), version.refine_scale.begin(), version.refine_scale.end());

  const uint64_t lists = panels.panels * BytePanels::kLanes;
  const auto* words = reinterpret_cast<const uint32_t*>(panels.bytes);
  Status status = Upload(card, words, lists * panels.width / 4, panels_);
  if (status.ok()) status = Upload(card, panels.bias, lists, panel_bias_);
  if (status.ok()) status = Upload(card, odd.data(), odd.size(), odd_norms_);
  if (status.ok()) {
    status = Upload(card, version.centroids.data(), version.centroids.size(), centroids_);
  }
  if (status.ok()) {
    status =
        Upload(card, version.codebook_columns.data(), version.codebook_columns.size(), columns_);
  }
  if (status.ok()) {
    status = Upload(card, version.subspace_begins.data(), version.subspace_begins.size(), begins_);
  }
  if (status.ok()) status = Upload(card, refine.data(), refine.size(), refine_);
  if (status.ok()) status = card.Wait();  // what was copied from goes now
  if (!status.ok()) return status;

  view_.shape = MakeScanShape(p.subspaces);
  view_.dimension = p.dimension;
  view_.lists = p.lists;
  view_.inner_product = product;
  view_.raw_plane_b = p.plane_b == PlaneB::kRawU8;
  view_.bias_min = version.bias_min;
  view_.bias_scale = version.bias_scale;
  view_.panels = panels_.data();
  view_.panel_bias = panel_bias_.data();
  view_.panel_count = static_cast<uint32_t>(panels.panels);
  view_.panel_words = static_cast<uint32_t>(panels.width / 4);
  view_.odd_norms = odd_norms_.data();
  view_.centroids = centroids_.data();
  view_.codebook_columns = columns_.data();
  view_.subspace_begins = begins_.data();
  view_.refine_min = refine_.data();
  view_.refine_scale = refine_.data() + version.refine_min.size();
  return card.Prepare(view_.shape);
}

uint64_t QuantizerImage::bytes() const {
  return panels_.bytes() + panel_bias_.bytes() + odd_norms_.bytes() + centroids_.bytes() +
         columns_.bytes() + begins_.bytes() + refine_.bytes();
}

}  // namespace kith::index::gpu
