#ifndef KITH_SHARD_SEARCH_CARD_RESIDENCY_H_
#define KITH_SHARD_SEARCH_CARD_RESIDENCY_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "index/gpu/resident_index.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

struct CardResidencyOptions {
  index::gpu::CardLimits limits;
  double growth = 0.25;  // room for so much more than there is at first
  int threads = 1;       // that pack what is loaded
};

// One index version of one copy on the card.
struct CardResidency {
  const CopyParts* parts = nullptr;
  std::string version;
  std::unique_ptr<index::gpu::ResidentIndex> index;  // null: not there, for the reason below
  std::string fault;
  uint64_t tried_rows = 0;  // of the index, when the fault was found
  uint64_t missing_rows = 0;
};

// What a card holds of a node's copies.
//
// Threads: as the card.
class CardResidencies {
 public:
  CardResidencies(index::gpu::Card& card, const CardResidencyOptions& options)
      : card_(card), options_(options) {}

  // The residency of an index, made where there is none: room is counted before anything is
  // allocated, and older versions of the same copy make way. One that found no room is tried again
  // when the index has become another size. GPU_LOST.
  index::Result<CardResidency*> Of(const CopyParts& parts, const BuiltIndex& built);
  // Null where there is none, or where it has no index: Of may drop others to make room for it.
  CardResidency* Existing(const CopyParts& parts, const std::string& version);
  // One step of loading; whether there was anything to do. It may drop an index: of what a card
  // runs nothing is under way. GPU_LOST.
  index::Result<bool> Step();
  void Forget(const CopyParts* parts);
  void Clear() { residencies_.clear(); }
  const std::list<CardResidency>& all() const { return residencies_; }

 private:
  CardResidency& Find(const CopyParts& parts, const std::string& version);
  bool MakeWay(const CardResidency& wanted);
  index::Status Create(CardResidency& residency, const BuiltIndex& built);
  index::Result<bool> StepOf(CardResidency& residency);

  index::gpu::Card& card_;
  const CardResidencyOptions options_;
  std::list<CardResidency> residencies_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_RESIDENCY_H_
