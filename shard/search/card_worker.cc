#include "shard/search/card_worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

// How often the worker looks at least whether a copy's snapshot has new segments.
constexpr auto kLookEvery = std::chrono::milliseconds(100);
// What a lost card's calls are told.
constexpr char kFailed[] = "the card failed";

}  // namespace

CardWorker::CardWorker(std::unique_ptr<index::gpu::Card> card, const CardWorkerOptions& options)
    : options_(options), card_(std::move(card)), residencies_(*card_, options.residency) {
  health_.card = card_->report();
  thread_ = std::thread([this] { Run(); });
}

CardWorker::~CardWorker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    ++news_;
  }
  wake_.notify_all();
  thread_.join();
}

void CardWorker::Submit(CardJob job) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) found_card_idle_ = !is_working_;
    queued_ += static_cast<uint32_t>(job.questions.size());
    queue_.push_back({std::move(job), std::chrono::steady_clock::now()});
    ++news_;
  }
  wake_.notify_one();
}

void CardWorker::Forget(const CopyParts* parts) {
  // The last to hold a copy may be a job that was just answered.
  if (std::this_thread::get_id() == thread_.get_id()) return residencies_.Forget(parts);
  std::unique_lock lock(mutex_);
  to_forget_.push_back(parts);
  ++news_;
  wake_.notify_one();
  forgotten_.wait(lock, [&] {
    return std::find(to_forget_.begin(), to_forget_.end(), parts) == to_forget_.end();
  });
}

void CardWorker::AwaitAnswers() {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [this] { return queue_.empty() && !is_working_; });
}

CardHealth CardWorker::health() const {
  std::lock_guard lock(mutex_);
  CardHealth health = health_;
  health.counts = calls_.counts();
  return health;
}

Deadline CardWorker::NextLaunch() const {
  return LaunchTime(options_.batching,
                    {queued_, queue_.front().arrival, found_card_idle_, calls_.queries()});
}

bool CardWorker::IsTimeToLaunch() const {
  return !queue_.empty() && (stopping_ || std::chrono::steady_clock::now() >= NextLaunch());
}

std::vector<CardJob> CardWorker::TakeJobs() {
  std::vector<CardJob> jobs;
  const CopyParts* parts = queue_.front().job.parts;
  const std::string version = queue_.front().job.version;
  const index::AllowedLists* filter = queue_.front().job.filter.lists.get();
  size_t queries = 0;
  for (auto waiting = queue_.begin(); waiting != queue_.end();) {
    const bool is_alike = waiting->job.parts == parts && waiting->job.version == version &&
                          waiting->job.filter.lists.get() == filter;
    if (!is_alike ||
        (queries != 0 && queries + waiting->job.questions.size() > options_.batching.full)) {
      ++waiting;
      continue;
    }
    queries += waiting->job.questions.size();
    jobs.push_back(std::move(waiting->job));
    waiting = queue_.erase(waiting);
  }
  queued_ -= static_cast<uint32_t>(queries);
  found_card_idle_ = false;  // the others came while the card works
  return jobs;
}

void CardWorker::ForgetAsked() {
  std::list<const CopyParts*> asked;
  {
    std::lock_guard lock(mutex_);
    asked = to_forget_;
  }
  if (asked.empty()) return;
  AnswerAll();
  for (const CopyParts* parts : asked) residencies_.Forget(parts);
  NoteHealth();
  {
    std::lock_guard lock(mutex_);
    for (const CopyParts* parts : asked) to_forget_.remove(parts);
  }
  forgotten_.notify_all();
}

std::optional<std::vector<CardJob>> CardWorker::AwaitJobs() {
  std::unique_lock lock(mutex_);
  const bool is_idle = calls_.under_way() == 0;
  is_working_ = !is_idle;
  if (queue_.empty() && is_idle) answered_.notify_all();
  if (is_idle) {
    const auto has_news = [this] { return stopping_ || !queue_.empty() || !to_forget_.empty(); };
    if (!is_loading_) wake_.wait_for(lock, kLookEvery, has_news);
    // Others may come while the oldest waits for its time.
    while (!stopping_ && to_forget_.empty() && !queue_.empty() && !IsTimeToLaunch()) {
      wake_.wait_until(lock, NextLaunch());
    }
    if (stopping_ && queue_.empty() && to_forget_.empty()) return std::nullopt;
  }
  heard_ = news_;
  std::vector<CardJob> jobs;
  if (to_forget_.empty() && calls_.under_way() < CardCalls::kUnderWayMax && IsTimeToLaunch()) {
    jobs = TakeJobs();
    is_working_ = true;
  }
  return jobs;
}

void CardWorker::Run() {
  while (auto jobs = AwaitJobs()) {
    const bool has_jobs = !jobs->empty();
    if (has_jobs) BeginJobs(std::move(*jobs));
    if (calls_.under_way() != 0) {
      if (has_jobs) continue;  // more may be encoded beside it
      AnswerOrHear();
    }
    ForgetAsked();
    LoadSome();
  }
}

void CardWorker::BeginJobs(std::vector<CardJob> jobs) {
  const auto refuse = [&](const std::string& fault) {
    NoteFault(fault);
    calls_.Refuse(std::move(jobs), fault);
  };
  const CopyParts& parts = *jobs.front().parts;
  const auto snapshot = parts.snapshots.Pin();
  const BuiltIndex* built = snapshot->FindIndex(jobs.front().version);
  if (is_lost_) return refuse(kFailed);
  if (built == nullptr) return refuse("");
  CardResidency* residency = residencies_.Existing(parts, jobs.front().version);
  if (residency == nullptr) {
    AnswerAll();  // room may be made for it
    const auto made = residencies_.Of(parts, *built);
    if (!made.ok()) Lose(made.status());
    if (is_lost_) return refuse(kFailed);
    residency = *made;
  }
  if (residency->index == nullptr) return refuse(residency->fault);
  NoteFault("");
  if (index::Status status = calls_.Begin(*residency, std::move(jobs)); !status.ok()) Lose(status);
}

// As a wait for a card does that is to end soon, this asks again and again.
void CardWorker::AnswerOrHear() {
  while (calls_.under_way() == CardCalls::kUnderWayMax || heard_ == news_) {
    const index::Result<bool> is_done = calls_.IsOldestDone();
    if (!is_done.ok()) return Lose(is_done.status());
    if (*is_done) return AnswerOldest();
    std::this_thread::yield();
  }
}

void CardWorker::AnswerOldest() {
  if (index::Status status = calls_.AnswerOldest(); !status.ok()) Lose(status);
}

void CardWorker::AnswerAll() {
  while (calls_.under_way() != 0) AnswerOldest();
}

void CardWorker::LoadSome() {
  // A step may drop what is under way: while there is nothing to load, not after every batch.
  const Deadline now = std::chrono::steady_clock::now();
  if (!is_lost_ && calls_.under_way() != 0 && now < next_look_) return;
  AnswerAll();
  is_loading_ = false;
  if (is_lost_) return;
  const index::Result<bool> stepped = residencies_.Step();
  if (!stepped.ok()) Lose(stepped.status());
  is_loading_ = stepped.ok() && *stepped;
  if (!is_loading_) next_look_ = now + kLookEvery;
  NoteHealth();
}

// Nothing on it can be trusted: searches go on without it.
void CardWorker::Lose(const index::Status& status) {
  if (is_lost_) return;
  is_lost_ = true;
  {
    std::lock_guard lock(mutex_);
    health_.is_lost = true;
    health_.fault = status.message();
  }
  calls_.GiveUp(kFailed);
  residencies_.Clear();
  NoteHealth();
  // As it was when it was well: a lost card tells nothing any more.
  spdlog::error("event=gpu_lost device={} reason={} what={}", health().card.ordinal,
                status.reason(), telemetry::LogValue(status.message()));
}

void CardWorker::NoteFault(const std::string& fault) {
  std::lock_guard lock(mutex_);
  health_.fault = fault;
}

void CardWorker::NoteHealth() {
  CardHealth now;
  for (const CardResidency& residency : residencies_.all()) {
    now.missing_rows += residency.missing_rows;
    if (residency.index == nullptr) continue;
    now.resident_rows += residency.index->rows();
    const index::gpu::ResidentMemory memory = residency.index->memory();
    now.memory.codes += memory.codes;
    now.memory.refine += memory.refine;
    now.memory.rows += memory.rows;
    now.memory.quantizer += memory.quantizer;
    now.memory.tombstones += memory.tombstones;
    now.memory.filter += memory.filter;
    now.memory.work += memory.work;
  }
  std::lock_guard lock(mutex_);
  health_.memory = now.memory;
  health_.resident_rows = now.resident_rows;
  health_.missing_rows = now.missing_rows;
}

}  // namespace kith::shard
