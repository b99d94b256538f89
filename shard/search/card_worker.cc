#include "shard/search/card_worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

using index::gpu::CardAnswer;
using index::gpu::CardQuestion;
using index::gpu::CardScope;

// How often an idle worker looks whether a copy's snapshot has new segments.
constexpr auto kLookEvery = std::chrono::milliseconds(100);

uint64_t NanosecondsSince(Deadline begin) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin)
          .count());
}

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
  }
  wake_.notify_all();
  thread_.join();
}

void CardWorker::Submit(CardJob job) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) found_card_idle_ = !is_working_;
    queue_.push_back({std::move(job), std::chrono::steady_clock::now()});
  }
  wake_.notify_one();
}

void CardWorker::Forget(const CopyParts* parts) {
  // The last to hold a copy may be a job that was just answered.
  if (std::this_thread::get_id() == thread_.get_id()) return residencies_.Forget(parts);
  std::unique_lock lock(mutex_);
  to_forget_.push_back(parts);
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
  return health_;
}

Deadline CardWorker::NextLaunch() const {
  uint32_t queries = 0;
  for (const Waiting& waiting : queue_) {
    queries += static_cast<uint32_t>(waiting.job.questions.size());
  }
  return LaunchTime(options_.batching, {queries, queue_.front().arrival, found_card_idle_});
}

std::vector<CardJob> CardWorker::TakeJobs() {
  std::vector<CardJob> jobs;
  if (queue_.empty()) return jobs;
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
  for (const CopyParts* parts : asked) residencies_.Forget(parts);
  NoteHealth();
  {
    std::lock_guard lock(mutex_);
    for (const CopyParts* parts : asked) to_forget_.remove(parts);
  }
  forgotten_.notify_all();
}

void CardWorker::Run() {
  bool may_load = true;  // the last look found something to load
  while (true) {
    ForgetAsked();
    std::vector<CardJob> jobs;
    {
      std::unique_lock lock(mutex_);
      is_working_ = false;
      if (queue_.empty()) answered_.notify_all();
      const auto has_news = [this] { return stopping_ || !queue_.empty() || !to_forget_.empty(); };
      if (!may_load) wake_.wait_for(lock, kLookEvery, has_news);
      // Others may come while the oldest waits for its time.
      while (!stopping_ && to_forget_.empty() && !queue_.empty() &&
             std::chrono::steady_clock::now() < NextLaunch()) {
        wake_.wait_until(lock, NextLaunch());
      }
      if (stopping_ && queue_.empty() && to_forget_.empty()) return;
      jobs = TakeJobs();
      is_working_ = !jobs.empty();
    }
    if (!jobs.empty()) RunJobs(std::move(jobs));
    may_load = LoadSome();
  }
}

void CardWorker::AskCard(CardResidency& residency, std::vector<CardJob>& jobs,
                         std::vector<CardReply>& replies) {
  // What passes a filter is known as of one snapshot, where the others take the newest.
  const CardFilter& filter = jobs.front().filter;
  const auto snapshot =
      filter.lists == nullptr ? residency.parts->snapshots.Pin() : filter.snapshot;
  const BuiltIndex* built = snapshot->FindIndex(residency.version);
  if (built == nullptr) return;
  index::IndexView view = snapshot->View(residency.parts->spec, built);
  const auto scope = std::make_shared<const CardScope>(ScopeOf(*residency.index, view));
  if (filter.lists != nullptr) {
    view.allowed = filter.rows->words();
    view.allowed_lists = filter.lists.get();
  }
  if (scope->on_card.empty() || index::gpu::IsForHost({view, *scope})) return;
  std::vector<CardQuestion> questions;
  for (const CardJob& job : jobs) {
    questions.insert(questions.end(), job.questions.begin(), job.questions.end());
  }
  std::vector<CardAnswer> answers(questions.size());
  const Deadline begin = std::chrono::steady_clock::now();
  const index::Status asked = asker_.Ask(*residency.index, {view, *scope}, questions, answers);
  if (!asked.ok()) return Lose(asked);
  const uint64_t card_ns = NanosecondsSince(begin) / questions.size();
  auto next = answers.begin();
  for (size_t i = 0; i < jobs.size(); ++i) {
    const auto end = next + static_cast<ptrdiff_t>(jobs[i].questions.size());
    replies[i].answers.assign(std::make_move_iterator(next), std::make_move_iterator(end));
    replies[i].snapshot = snapshot;
    replies[i].index = built;
    replies[i].scope = scope;
    replies[i].card_ns = card_ns * jobs[i].questions.size();
    next = end;
  }
}

void CardWorker::RunJobs(std::vector<CardJob> jobs) {
  std::vector<CardReply> replies(jobs.size());
  std::string fault = is_lost_ ? "the card failed" : "";
  const CopyParts& parts = *jobs.front().parts;
  const auto snapshot = parts.snapshots.Pin();
  const BuiltIndex* built = snapshot->FindIndex(jobs.front().version);
  if (!is_lost_ && built != nullptr) {
    const auto residency = residencies_.Of(parts, *built);
    if (!residency.ok()) {
      Lose(residency.status());
    } else if ((*residency)->index != nullptr) {
      AskCard(**residency, jobs, replies);
    } else {
      fault = (*residency)->fault;
    }
    if (is_lost_) fault = "the card failed";
  }
  uint64_t on_card = 0;
  uint64_t all = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    all += jobs[i].questions.size();
    for (const CardAnswer& answer : replies[i].answers) on_card += answer.is_of_card;
  }
  {
    std::lock_guard lock(mutex_);
    health_.batches += on_card != 0;
    health_.queries_on_card += on_card;
    health_.queries_on_host += all - on_card;
    health_.fault = fault;
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (replies[i].answers.empty()) replies[i].fault = fault;
    jobs[i].done(std::move(replies[i]));
  }
}

bool CardWorker::LoadSome() {
  if (is_lost_) return false;
  const index::Result<bool> stepped = residencies_.Step();
  if (!stepped.ok()) Lose(stepped.status());
  NoteHealth();
  return stepped.ok() && *stepped;
}

// Nothing on it can be trusted: searches go on without it.
void CardWorker::Lose(const index::Status& status) {
  if (is_lost_) return;
  is_lost_ = true;
  residencies_.Clear();
  NoteHealth();
  spdlog::error("event=gpu_lost reason={} what={}", status.reason(),
                telemetry::LogValue(status.message()));
  std::lock_guard lock(mutex_);
  health_.is_lost = true;
  health_.fault = status.message();
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
