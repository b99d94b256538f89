#include "index/gpu/batch_memory.h"

#include <algorithm>
#include <cstring>

#include "index/gpu/sort_body.h"

namespace kith::index::gpu {

Status BatchMemory::Allocate(Card& card, const QuantizerView& quantizer, const CardLimits& limits) {
  quantizer_ = quantizer;
  limits_ = limits;
  const uint64_t queries = limits.batch_max;
  const uint64_t bytes = quantizer.raw_plane_b ? queries * quantizer.dimension : 0;
  Status status;
  const auto allocate = [&](auto& array, uint64_t count) {
    if (status.ok()) status = array.Allocate(card, count);
  };
  allocate(records_, queries);
  allocate(codes_, queries * quantizer.panel_words);
  allocate(vectors_, queries * quantizer.dimension);
  allocate(bytes_, bytes);
  allocate(minima_, queries * quantizer.panel_count);
  allocate(probes_, queries * limits.probes_max);
  allocate(tiles_, queries * (uint64_t{limits.probes_max} * limits.segments_max + 1));
  allocate(entries_, queries * 2 * limits.entries_max);
  allocate(states_, queries);
  allocate(tables_, queries * quantizer.shape.padded() * kCodes);
  allocate(scales_, queries);
  allocate(list_counts_, quantizer.lists);
  allocate(list_begins_, uint64_t{quantizer.lists} + 1);
  allocate(visits_, PairVisits(quantizer.lists, limits));
  allocate(results_, queries);
  allocate(hits_, queries * limits.hits_max);
  if (status.ok()) status = card.Clear(list_counts_.data(), list_counts_.bytes());
  return status;
}

Status BatchMemory::SendQueries(Card& card, HostBatch& host, BatchView& view) {
  const uint64_t queries = view.queries;
  view.records = records_.data();
  view.codes = codes_.data();
  view.vectors = vectors_.data();
  view.bytes = bytes_.data();
  view.minima = minima_.data();
  view.probes = probes_.data();
  view.tiles = tiles_.data();
  view.probes_max = limits_.probes_max;
  view.entries = entries_.data();
  view.capacity = limits_.entries_max;
  view.states = states_.data();
  view.pairs = {tables_.data(), scales_.data(), list_counts_.data(), list_begins_.data(),
                visits_.data()};
  view.results = results_.data();
  view.hits = hits_.data();
  Status status = card.CopyIn({records_.data(), &host.record(0), queries * sizeof(QueryRecord)});
  if (status.ok()) {
    status = card.CopyIn(
        {codes_.data(), host.code(0), queries * quantizer_.panel_words * sizeof(uint32_t)});
  }
  const uint64_t elements = queries * quantizer_.dimension;
  if (status.ok()) {
    status = card.CopyIn({vectors_.data(), host.vector(0), elements * sizeof(float)});
  }
  if (status.ok() && quantizer_.raw_plane_b) {
    status = card.CopyIn({bytes_.data(), host.bytes(0), elements});
  }
  if (status.ok() && view.lists_given) status = SendProbes(card, host, view);
  return status;
}

// In one piece: rows of probes become as long as the longest needs to be, and move together.
Status BatchMemory::SendProbes(Card& card, HostBatch& host, BatchView& view) {
  uint32_t most = 1;
  for (uint32_t i = 0; i < view.queries; ++i) most = std::max(most, host.record(i).nprobe);
  // One of few lengths, so that captured launches serve again.
  view.probes_max = std::min(PowerOfTwoFrom(most), limits_.probes_max);
  Probe* to = host.probes(0);
  for (uint32_t i = 0; i < view.queries; ++i, to += view.probes_max) {
    std::memmove(to, host.probes(i), host.record(i).nprobe * sizeof(Probe));
  }
  return card.CopyIn(
      {probes_.data(), host.probes(0), uint64_t{view.queries} * view.probes_max * sizeof(Probe)});
}

Status BatchMemory::FetchResults(Card& card, const BatchView& view, HostBatch& host) {
  const Status status =
      card.CopyOut({host.results(), results_.data(), view.queries * sizeof(QueryResult)});
  if (!status.ok()) return status;
  return card.CopyOut(
      {host.all_hits(), hits_.data(), uint64_t{view.queries} * view.hits_max * sizeof(uint64_t)});
}

uint64_t BatchMemory::card_bytes() const {
  return records_.bytes() + codes_.bytes() + vectors_.bytes() + bytes_.bytes() + minima_.bytes() +
         probes_.bytes() + tiles_.bytes() + entries_.bytes() + states_.bytes() + tables_.bytes() +
         scales_.bytes() + list_counts_.bytes() + list_begins_.bytes() + visits_.bytes() +
         results_.bytes() + hits_.bytes();
}

}  // namespace kith::index::gpu
