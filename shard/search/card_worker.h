#ifndef KITH_SHARD_SEARCH_CARD_WORKER_H_
#define KITH_SHARD_SEARCH_CARD_WORKER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "index/gpu/card_search.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/card_batching.h"
#include "shard/search/card_residency.h"
#include "shard/search/filter_rows.h"

namespace kith::shard {

struct CardWorkerOptions {
  CardBatching batching;
  CardResidencyOptions residency;
  bool is_required = false;  // searches that the card cannot serve are refused
};

// What a card found for the queries of one call.
struct CardReply {
  // Empty where the host has to search alone: the card does not hold the index (yet).
  std::vector<index::gpu::CardAnswer> answers;
  // What the answers are of.
  std::shared_ptr<const Snapshot> snapshot;
  const BuiltIndex* index = nullptr;
  std::shared_ptr<const index::gpu::CardScope> scope;
  uint64_t card_ns = 0;  // of the batch they were in, shared out
  std::string fault;     // why the card will not hold it, however long one waits
};

// What a filter lets through, and the snapshot that this is as of.
struct CardFilter {
  std::shared_ptr<const FilterRows> rows;
  std::shared_ptr<const index::AllowedLists> lists;  // null: no filter
  std::shared_ptr<const Snapshot> snapshot;
};

// Queries of one call; what it points to stays until `done`.
struct CardJob {
  const CopyParts* parts = nullptr;
  std::string version;
  CardFilter filter;
  std::vector<index::gpu::CardQuestion> questions;
  std::function<void(CardReply)> done;  // on the worker's thread: brief
};

struct CardHealth {
  index::gpu::CardReport card;
  index::gpu::ResidentMemory memory;
  uint64_t resident_rows = 0;
  uint64_t missing_rows = 0;  // of the indexes that were asked for: searched on the host
  uint64_t batches = 0;
  uint64_t queries_on_card = 0;
  uint64_t queries_on_host = 0;  // that asked for the card
  bool is_lost = false;
  std::string fault;  // the latest reason why an index is not on the card
};

// The one thread that uses a card. It takes the queries of all copies of a node, makes batches of
// those for one index, and loads what searches ask for in between: a copy's index comes to the card
// with its first search, and follows its snapshots from there. A card that fails is not asked
// again; everything goes on without it until the process starts anew.
//
// Threads: any.
class CardWorker {
 public:
  CardWorker(std::unique_ptr<index::gpu::Card> card, const CardWorkerOptions& options);
  // Answers what waits (the host has to search), then joins.
  ~CardWorker();

  void Submit(CardJob job);
  // Gives up what the card has of a copy; returns when the worker does not use the copy any more.
  // No job of it may come afterwards.
  void Forget(const CopyParts* parts);
  // Returns when all jobs that came before are answered.
  void AwaitAnswers();
  CardHealth health() const;
  bool is_required() const { return options_.is_required; }

 private:
  struct Waiting {
    CardJob job;
    Deadline arrival;
  };

  void Run();
  void ForgetAsked();
  // Takes the oldest job and those that can share its batch; empty where none should go yet.
  std::vector<CardJob> TakeJobs();
  Deadline NextLaunch() const;
  void RunJobs(std::vector<CardJob> jobs);
  void AskCard(CardResidency& residency, std::vector<CardJob>& jobs,
               std::vector<CardReply>& replies);
  bool LoadSome();
  void Lose(const index::Status& status);
  void NoteHealth();

  const CardWorkerOptions options_;
  const std::unique_ptr<index::gpu::Card> card_;
  index::gpu::CardAsker asker_;  // the worker's, as the next
  CardResidencies residencies_;
  bool is_lost_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable forgotten_;
  std::condition_variable answered_;
  std::deque<Waiting> queue_;  // guarded by mutex_, as all below
  bool is_working_ = false;
  bool found_card_idle_ = false;  // the oldest that waits
  std::list<const CopyParts*> to_forget_;
  bool stopping_ = false;
  CardHealth health_;
  std::thread thread_;  // last
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_WORKER_H_
