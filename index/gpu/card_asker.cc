#include "index/gpu/card_asker.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace kith::index::gpu {
namespace {

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

}  // namespace kith::index::gpu
