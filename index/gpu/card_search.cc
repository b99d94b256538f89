#include "index/gpu/card_search.h"

namespace kith::index::gpu {

CardScope ScopeOf(const ResidentIndex& index, const IndexView& view) {
  CardScope scope;
  for (const auto& segment : view.segments) {
    (index.Has(segment.get()) ? scope.on_card : scope.elsewhere).push_back(segment);
  }
  return scope;
}

bool IsForHost(const CardView& what) {
  return what.view.allowed_lists != nullptr && !what.scope.elsewhere.empty();
}

}  // namespace kith::index::gpu
