#include "coordinator/search/best_score.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/search_limits.h"

namespace kith::coordinator {
namespace {

std::string_view KeyAt(const HitColumns& hits, size_t i) {
  return std::string_view(hits.keys).substr(i * PointKey::kSize, PointKey::kSize);
}

void Take(const HitColumns& from, size_t i, HitColumns& to) {
  to.keys.append(KeyAt(from, i));
  to.scores.push_back(from.scores[i]);
  to.versions.push_back(from.versions[i]);
}

}  // namespace

uint32_t CandidatesOf(uint32_t limit, const Examples& examples) {
  if (examples.negative.empty()) return limit;
  return std::min(2 * limit, limits::kBestScoreLimitMax);
}

HitColumns FoldBest(const HitColumns& hits, Metric metric, uint32_t limit) {
  std::vector<size_t> order(hits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto rank = [&](size_t i) { return RankFromScore(metric, hits.scores[i]); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : KeyAt(hits, a) < KeyAt(hits, b);
  });
  HitColumns best;
  std::unordered_map<std::string_view, size_t> taken;
  for (const size_t i : order) {
    if (best.size() == limit) break;
    if (taken.emplace(KeyAt(hits, i), i).second) Take(hits, i, best);
  }
  best.counts = {static_cast<uint32_t>(best.size())};
  return best;
}

SearchCall NegativeCall(const SearchPlan& plan, const HitColumns& hits, uint32_t count) {
  Filter named;
  named.kind = Filter::Kind::kHasId;
  named.keys = hits.keys;
  SearchCall call;
  call.incarnation = plan.call.incarnation;
  call.count = count;
  call.limit = std::max(1u, static_cast<uint32_t>(hits.size()));
  call.exact = true;
  call.filter = std::make_shared<const Filter>(std::move(named));
  return call;
}

HitColumns WithoutNearer(const HitColumns& hits, const HitColumns& near, Metric metric,
                         uint32_t limit) {
  std::unordered_map<std::string_view, float> nearest;
  for (size_t i = 0; i < near.size(); ++i) {
    const float rank = RankFromScore(metric, near.scores[i]);
    const auto [place, is_new] = nearest.emplace(KeyAt(near, i), rank);
    if (!is_new) place->second = std::min(place->second, rank);
  }
  HitColumns kept;
  for (size_t i = 0; i < hits.size() && kept.size() < limit; ++i) {
    const auto negative = nearest.find(KeyAt(hits, i));
    if (negative == nearest.end()) continue;
    if (negative->second < RankFromScore(metric, hits.scores[i])) continue;
    Take(hits, i, kept);
  }
  kept.counts = {static_cast<uint32_t>(kept.size())};
  return kept;
}

}  // namespace kith::coordinator
