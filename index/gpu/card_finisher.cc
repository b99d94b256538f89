#include "index/gpu/card_finisher.h"

#include <algorithm>
#include <bit>
#include <chrono>

#include "index/flat.h"

namespace kith::index::gpu {
namespace {

float RankOf(uint64_t hit) {
  return std::bit_cast<float>(BitsOfOrder(static_cast<uint32_t>(hit >> 32)));
}

}  // namespace

void CardFinisher::OfferHits(const IndexView& view, const CardAnswer& found, Expiry& expiry,
                             SearchWork& work) {
  work.lists_probed = found.result.lists_probed;
  work.rows_scanned = found.result.rows_scanned;
  work.rows_refined = found.result.rows_refined;
  work.codes_planned += work.rows_scanned;
  work.codes_done += work.rows_scanned;
  // As SearchPass counts what lies within a bound.
  const auto note_within = [&](uint64_t within, uint64_t compared) {
    const bool is_cut = found.result.is_cut != 0 || found.result.found > found.hits.size();
    work.rows_within += within;
    work.crowded = is_cut && within * 2 > compared ? 1 : 0;
  };
  if (view.version->parameters.plane_b == PlaneB::kRawU8) {
    uint64_t within = 0;
    for (const uint64_t hit : found.hits) {
      within += RankOf(hit) <= top_.rank_bound();
      top_.Offer(RankOf(hit), static_cast<uint32_t>(hit));
    }
    return note_within(within, found.hits.size());
  }
  rows_.clear();
  for (const uint64_t hit : found.hits) rows_.push_back(static_cast<uint32_t>(hit));
  FlatScan flat(view, query_, expiry, top_);
  flat.CompareCandidates(rows_);
  work.rows_reranked = flat.compared();
  note_within(flat.within(), flat.compared());
  work.codes_done -= rows_.size() - flat.compared();
}

// Everything that has no code on the card; segments that have theirs here are searched here.
Status CardFinisher::OfferElsewhere(const CardView& what, const CardQuestion& question,
                                    SearchWork& work) {
  const auto& [view, scope] = what;
  Expiry expiry(question.options->expired);
  rows_.clear();
  for (const auto& segment : scope.on_card) {
    rows_.insert(rows_.end(), segment->side_rows().begin(), segment->side_rows().end());
  }
  FlatScan flat(view, query_, expiry, top_);
  work.codes_planned += FlatScan::LiveRows(view, rows_);
  flat.CompareRows(rows_);
  if (scope.elsewhere.empty()) {
    work.codes_planned += FlatScan::LiveRows(view, view.indexed_end, view.rows.row_end);
    flat.CompareRange(view.indexed_end, view.rows.row_end);
  }
  work.rows_exact += flat.compared();
  work.rows_within += flat.within();
  work.codes_done += flat.compared();
  if (scope.elsewhere.empty()) return {};
  IndexView rest = view;
  rest.segments = scope.elsewhere;
  SearchAnswer of_rest;
  const Status status = Search({rest, question.vector}, *question.options, workspace_, of_rest);
  if (!status.ok()) return status;
  for (const Hit& hit : of_rest.hits) top_.Offer(hit.rank, hit.row);
  // The same lists, looked at in two places.
  of_rest.work.lists_probed = 0;
  work.Add(of_rest.work);
  work.crowded = std::min<uint64_t>(work.crowded, 1);
  return {};
}

Status CardFinisher::Finish(const CardView& what, const CardQuestion& question,
                            const CardAnswer& found, SearchAnswer& answer) {
  const IndexView& view = what.view;
  if (!found.is_of_card) {
    return Search({view, question.vector}, *question.options, workspace_, answer);
  }
  answer = {};
  if (Status status = query_.Bind(view, question.vector); !status.ok()) return status;
  top_.Reset(view.rows, question.options->limit, question.options->rank_bound);
  if (question.options->after.has_value()) top_.BeginAfter(*question.options->after);
  Expiry expiry(question.options->expired);
  const auto begin = std::chrono::steady_clock::now();
  OfferHits(view, found, expiry, answer.work);
  answer.work.rerank_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin)
          .count());
  if (Status status = OfferElsewhere(what, question, answer.work); !status.ok()) {
    return status;
  }
  top_.Take(answer.hits);
  return {};
}

}  // namespace kith::index::gpu
