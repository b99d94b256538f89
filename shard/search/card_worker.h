#ifndef KITH_SHARD_SEARCH_CARD_WORKER_H_
#define KITH_SHARD_SEARCH_CARD_WORKER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "shard/parts/copy_parts.h"
#include "shard/search/card_batching.h"
#include "shard/search/card_calls.h"
#include "shard/search/card_residency.h"

namespace kith::shard {

struct CardWorkerOptions {
  CardBatching batching;
  CardResidencyOptions residency;
  bool is_required = false;  // searches that the card cannot serve are refused
};

struct CardHealth {
  index::gpu::CardReport card;
  index::gpu::ResidentMemory memory;
  uint64_t resident_rows = 0;
  uint64_t missing_rows = 0;  // of the indexes that were asked for: searched on the host
  CardCallCounts counts;
  bool is_lost = false;
  std::string fault;  // the latest reason why an index is not on the card
};

// The one thread that uses a card. It takes the queries of all copies of a node and makes batches
// of those for one index; while the card runs one it encodes the next, where as many wait. It loads
// what searches ask for in between: a copy's index comes to the card with its first search, and
// follows its snapshots from there. A card that fails is not asked again; everything goes on
// without it until the process starts anew.
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
  // Takes jobs that should go now; waits for some where nothing else is to be done.
  // Nullopt: the worker stops.
  std::optional<std::vector<CardJob>> AwaitJobs();
  // Takes the oldest job and those that can share its batch.
  std::vector<CardJob> TakeJobs();
  bool IsTimeToLaunch() const;
  Deadline NextLaunch() const;
  void BeginJobs(std::vector<CardJob> jobs);
  // Answers the oldest jobs under way, unless others come before the card has done them.
  void AnswerOrHear();
  void AnswerOldest();
  void AnswerAll();
  void ForgetAsked();
  void LoadSome();
  void Lose(const index::Status& status);
  void NoteFault(const std::string& fault);
  void NoteHealth();

  const CardWorkerOptions options_;
  const std::unique_ptr<index::gpu::Card> card_;
  CardResidencies residencies_;  // the worker's, as the next
  CardCalls calls_;
  bool is_lost_ = false;
  bool is_loading_ = true;  // the last look found something to load
  Deadline next_look_;

  uint64_t heard_ = 0;             // of news_, when jobs were taken last
  std::atomic<uint64_t> news_{0};  // jobs and wishes that came

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable forgotten_;
  std::condition_variable answered_;
  std::deque<Waiting> queue_;  // guarded by mutex_, as all below
  uint32_t queued_ = 0;        // queries of it
  bool is_working_ = false;
  bool found_card_idle_ = false;  // the oldest that waits
  std::list<const CopyParts*> to_forget_;
  bool stopping_ = false;
  CardHealth health_;
  std::thread thread_;  // last
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_WORKER_H_
