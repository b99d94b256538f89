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
  HostBatch& batch = index.batch(slot());
  batch.record(place) = RecordFor(version, options);
  if (view.allowed_lists == nullptr) {
    if (!lane_.query.Bind(view, question.vector).ok()) return false;
    EncodeForLists(version, batch, place);
  } else if (!PickLists(index, view, question, place)) {
    return false;
  }
  QueryRecord& record = batch.record(place);
  record.keep = HitsWanted(version, options, record.refine);
  if (!IsWithin(index.limits(), record)) return false;
  std::copy_n(lane_.query.decoded(), view.dimension, batch.vector(place));
  if (IsRaw(version)) std::memcpy(batch.bytes(place), question.vector, view.dimension);
  return true;
}

// What the card picks the lists by.
void CardAsker::EncodeForLists(const IndexVersion& version, HostBatch& batch, uint32_t place) {
  const CentroidCodes& codes = version.centroid_codes;
  const float* decoded = lane_.query.decoded();
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
  HostBatch& batch = index.batch(slot());
  QueryRecord& record = batch.record(place);
  record.nprobe = runs.empty() ? 0 : runs.back().order + 1;
  record.refine = limits.depth;
  record.stop_ratio = limits.stop_ratio;
  if (record.nprobe == 0 || record.nprobe > index.limits().probes_max) return false;
  for (const ScanRun& run : runs) batch.probes(place)[run.order] = {run.term, run.number};
  return true;
}

Status CardAsker::StartBatch(ResidentIndex& index, const CardView& what,
                             std::vector<uint32_t> which, std::span<CardAnswer> answers) {
  const auto& [view, scope] = what;
  static const Tombstones kNone;
  const Tombstones& tombstones = view.tombstones != nullptr ? *view.tombstones : kNone;
  const auto running =
      index.Start({scope.on_card, tombstones, view.rows.row_end, view.allowed_lists},
                  {slot(), static_cast<uint32_t>(which.size())});
  if (!running.ok()) return running.status();
  flights_.push_back({&index, *running, std::move(which), answers});
  ++begun_;
  return {};
}

// For one more to be filled in.
Status CardAsker::MakeRoom() {
  return flights_.size() < ResidentIndex::kBatches ? Status() : EndOldest();
}

Status CardAsker::EndOldest() {
  const Flight& flight = flights_.front();
  if (Status status = flight.index->Await(flight.running); !status.ok()) return status;
  HostBatch& batch = flight.index->batch(flight.running.slot);
  for (uint32_t i = 0; i < flight.which.size(); ++i) {
    CardAnswer& answer = flight.answers[flight.which[i]];
    answer.result = batch.result(i);
    answer.is_of_card = answer.result.is_overflow == 0;
    const uint64_t* hits = batch.hits(flight.running.view, i);
    answer.hits.assign(hits, hits + answer.result.count);
  }
  flights_.pop_front();
  ++ended_;
  return {};
}

Result<uint64_t> CardAsker::Begin(ResidentIndex& index, const CardView& what,
                                  std::span<const CardQuestion> questions,
                                  std::span<CardAnswer> answers) {
  std::vector<uint32_t> which;
  for (CardAnswer& answer : answers) answer.is_of_card = false;
  if (IsForHost(what)) return begun_;
  for (uint32_t i = 0; i < questions.size(); ++i) {
    if (which.empty()) {
      if (Status status = MakeRoom(); !status.ok()) return status;
    }
    if (Encode(index, what.view, questions[i], static_cast<uint32_t>(which.size()))) {
      which.push_back(i);
    }
    const bool is_last = which.size() == index.limits().batch_max || i + 1 == questions.size();
    if (which.empty() || !is_last) continue;
    if (Status status = StartBatch(index, what, std::move(which), answers); !status.ok()) {
      return status;
    }
    which.clear();
  }
  return begun_;
}

Result<bool> CardAsker::IsDone(uint64_t ticket) {
  while (ended_ < ticket) {
    const Flight& oldest = flights_.front();
    const Result<bool> is_done = oldest.index->IsDone(oldest.running);
    if (!is_done.ok() || !*is_done) return is_done;
    if (Status status = EndOldest(); !status.ok()) return status;
  }
  return true;
}

Status CardAsker::Await(uint64_t ticket) {
  while (ended_ < ticket) {
    if (Status status = EndOldest(); !status.ok()) return status;
  }
  return {};
}

void CardAsker::Drop() {
  flights_.clear();
  ended_ = begun_;
}

Status CardAsker::Ask(ResidentIndex& index, const CardView& what,
                      std::span<const CardQuestion> questions, std::span<CardAnswer> answers) {
  const Result<uint64_t> ticket = Begin(index, what, questions, answers);
  return ticket.ok() ? Await(*ticket) : ticket.status();
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
