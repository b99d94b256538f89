#include "index/gpu/card_search.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "index/flat.h"

namespace kith::index::gpu {
namespace {

float RankOf(uint64_t hit) {
  return std::bit_cast<float>(BitsOfOrder(static_cast<uint32_t>(hit >> 32)));
}

bool IsRaw(const IndexVersion& version) { return version.parameters.plane_b == PlaneB::kRawU8; }

// Which hits leave the card, of plane B, as SearchPass has it: a depth that could not even fill the
// answer is raised to the limit. Where plane B has the exact ranks these are the answer; unless
// those within a bound are counted, or the nearest stood on the page before.
uint32_t HitsWanted(const IndexVersion& version, const SearchOptions& options, uint32_t refine) {
  if (!IsRaw(version)) return std::max(options.rerank, options.limit);
  const bool is_bound = options.rank_bound < std::numeric_limits<float>::infinity();
  return is_bound || options.after.has_value() ? refine : options.limit;
}

QueryRecord RecordFor(const IndexVersion& version, const SearchOptions& options) {
  QueryRecord record;
  record.nprobe = std::min(options.nprobe, version.lists());
  record.refine = std::max(options.refine, options.limit);
  record.stop_ratio = version.parameters.metric == Metric::kInnerProduct
                          ? std::numeric_limits<float>::infinity()
                          : options.stop_ratio;
  return record;
}

bool IsWithin(const CardLimits& limits, const QueryRecord& record) {
  return record.nprobe <= std::min(limits.probes_max, limits.entries_max) &&
         record.refine <= limits.entries_max && record.keep <= limits.hits_max;
}

}  // namespace

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

// False where the query is for the host.
bool CardAsker::Encode(ResidentIndex& index, const IndexView& view, const CardQuestion& question,
                       uint32_t place) {
  const IndexVersion& version = index.version();
  const SearchOptions& options = *question.options;
  if (options.exact || options.limit == 0 || options.nprobe == 0 || !(options.stop_ratio > 0)) {
    return false;
  }
  BatchMemory& batch = index.batch();
  batch.record(place) = RecordFor(version, options);
  if (view.allowed_lists == nullptr) {
    if (!lane_.query.Bind(view, question.vector).ok()) return false;
    EncodeForLists(index, lane_.query.decoded(), place);
  } else if (!PickLists(index, view, question, place)) {
    return false;
  }
  QueryRecord& record = batch.record(place);
  record.keep = HitsWanted(version, options, record.refine);
  if (!IsWithin(index.limits(), record)) return false;
  std::copy_n(lane_.query.decoded(), view.dimension, batch.vector(place));
  if (IsRaw(version)) {
    std::memcpy(batch.bytes(place), question.vector, view.dimension);
  }
  return true;
}

// What the card picks the lists by.
void CardAsker::EncodeForLists(ResidentIndex& index, const float* decoded, uint32_t place) {
  const IndexVersion& version = index.version();
  BatchMemory& batch = index.batch();
  const CentroidCodes& codes = version.centroid_codes;
  if (version.parameters.metric == Metric::kInnerProduct) {
    codes.EncodeDirection(decoded, batch.code(place));
  } else if (codes.EncodePoint(decoded, batch.code(place)) && codes.exact()) {
    batch.record(place).exact_terms = true;
    batch.record(place).offset = codes.DistanceOffset(batch.code(place));
  }
}

// How many lists a filter wants, and how deep, shows as they are taken: that is left to the host.
bool CardAsker::PickLists(ResidentIndex& index, const IndexView& view, const CardQuestion& question,
                          uint32_t place) {
  SearchAnswer unused;
  SearchPass pass(view, *question.options, lane_, unused);
  if (!pass.Bind(question.vector).ok()) return false;
  pass.BindSteps();
  CoarseStep* const coarse = &pass.coarse();
  CoarseStep::Score({&coarse, 1});
  pass.PickLists();
  const auto [runs, limits] = pass.PlanFilteredScan();
  QueryRecord& record = index.batch().record(place);
  record.nprobe = runs.empty() ? 0 : runs.back().order + 1;
  record.refine = limits.depth;
  record.stop_ratio = limits.stop_ratio;
  if (record.nprobe == 0 || record.nprobe > index.limits().probes_max) return false;
  for (const ScanRun& run : runs) index.batch().probes(place)[run.order] = {run.term, run.number};
  return true;
}

Status CardAsker::AskSome(ResidentIndex& index, const CardView& what,
                          std::span<const uint32_t> which, std::span<CardAnswer> answers) {
  const auto& [view, scope] = what;
  static const Tombstones kNone;
  const Tombstones& tombstones = view.tombstones != nullptr ? *view.tombstones : kNone;
  const auto count = static_cast<uint32_t>(which.size());
  const Result<BatchView> done =
      index.Search({scope.on_card, tombstones, view.rows.row_end, view.allowed_lists}, count);
  if (!done.ok()) return done.status();
  for (uint32_t i = 0; i < count; ++i) {
    CardAnswer& answer = answers[which[i]];
    answer.result = index.batch().result(i);
    answer.is_of_card = answer.result.is_overflow == 0;
    const uint64_t* hits = index.batch().hits(*done, i);
    answer.hits.assign(hits, hits + answer.result.count);
  }
  return {};
}

Status CardAsker::Ask(ResidentIndex& index, const CardView& what,
                      std::span<const CardQuestion> questions, std::span<CardAnswer> answers) {
  std::vector<uint32_t> which;
  for (CardAnswer& answer : answers) answer.is_of_card = false;
  if (IsForHost(what)) return {};
  for (uint32_t i = 0; i < questions.size(); ++i) {
    if (Encode(index, what.view, questions[i], static_cast<uint32_t>(which.size())))
      which.push_back(i);
    if (which.empty()) continue;
    if (which.size() < index.limits().batch_max && i + 1 < questions.size()) continue;
    if (Status status = AskSome(index, what, which, answers); !status.ok()) return status;
    which.clear();
  }
  return {};
}

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
  if (IsRaw(*view.version)) {
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
