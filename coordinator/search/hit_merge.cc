#include "coordinator/search/hit_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string_view>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// Where one reply stands within the query at hand.
struct Cursor {
  const SearchReply* reply;
  size_t at;
  size_t end;

  std::string_view key() const {
    return {reply->keys.data() + at * PointKey::kSize, PointKey::kSize};
  }
};

// Order of a heap whose top is the nearest.
struct Farther {
  Metric metric;

  bool operator()(const Cursor& a, const Cursor& b) const {
    const float rank_a = RankFromScore(metric, a.reply->scores[a.at]);
    const float rank_b = RankFromScore(metric, b.reply->scores[b.at]);
    if (rank_a != rank_b) return rank_a > rank_b;
    return a.key() > b.key();
  }
};

void Take(const Cursor& from, HitColumns& hits) {
  hits.keys.append(from.key());
  hits.scores.push_back(from.reply->scores[from.at]);
  hits.versions.push_back(from.reply->versions[from.at]);
}

bool IsLeftOut(const MergeOptions& options, std::string_view key) {
  return std::any_of(options.leave_out.begin(), options.leave_out.end(),
                     [&](const PointKey& one) { return one.view() == key; });
}

// Merges one query; `heap` holds the cursors that have hits left in it.
uint32_t MergeQuery(std::vector<Cursor>& heap, const MergeOptions& options, HitColumns& hits) {
  const Farther farther{options.metric};
  std::make_heap(heap.begin(), heap.end(), farther);
  uint32_t taken = 0;
  while (!heap.empty() && taken < options.limit) {
    std::pop_heap(heap.begin(), heap.end(), farther);
    Cursor& nearest = heap.back();
    if (!IsLeftOut(options, nearest.key())) {
      Take(nearest, hits);
      ++taken;
    }
    if (++nearest.at == nearest.end) {
      heap.pop_back();
    } else {
      std::push_heap(heap.begin(), heap.end(), farther);
    }
  }
  return taken;
}

}  // namespace

absl::Status CheckReply(const SearchReply& reply, const SearchCall& call) {
  const auto over = std::find_if(reply.counts.begin(), reply.counts.end(),
                                 [&](uint32_t count) { return count > call.limit; });
  const uint64_t hits = std::accumulate(reply.counts.begin(), reply.counts.end(), uint64_t{0});
  const bool fits = reply.counts.size() == call.count && over == reply.counts.end() &&
                    reply.keys.size() == hits * PointKey::kSize && reply.scores.size() == hits &&
                    reply.versions.size() == hits && reply.codes_done <= reply.codes_planned;
  if (fits) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("the shard sent a reply whose parts do not fit each other ({} queries, "
                           "{} hits, {} key bytes, {} scores, {} versions)",
                           reply.counts.size(), hits, reply.keys.size(), reply.scores.size(),
                           reply.versions.size()));
}

HitColumns MergeHits(std::vector<SearchReply*> replies, const MergeOptions& options) {
  HitColumns hits;
  if (replies.size() == 1 && options.leave_out.empty()) {
    SearchReply& only = *replies.front();
    hits.counts = std::move(only.counts);
    hits.keys = std::move(only.keys);
    hits.scores = std::move(only.scores);
    hits.versions = std::move(only.versions);
    return hits;
  }
  hits.counts.reserve(options.count);
  std::vector<size_t> begins(replies.size());
  std::vector<Cursor> heap;
  for (uint32_t query = 0; query < options.count; ++query) {
    heap.clear();
    for (size_t i = 0; i < replies.size(); ++i) {
      const size_t end = begins[i] + replies[i]->counts[query];
      if (begins[i] < end) heap.push_back({replies[i], begins[i], end});
      begins[i] = end;
    }
    hits.counts.push_back(MergeQuery(heap, options, hits));
  }
  return hits;
}

}  // namespace kith::coordinator
