#include "shard/search/card_calls.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace kith::shard {
namespace {

using index::gpu::CardAnswer;
using index::gpu::CardScope;

uint64_t Nanoseconds(Deadline::duration time) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

}  // namespace

index::Status CardCalls::Begin(CardResidency& residency, std::vector<CardJob> jobs) {
  // What passes a filter is known as of one snapshot, where the others take the newest.
  const CardFilter& filter = jobs.front().filter;
  UnderWay call;
  call.reply.snapshot =
      filter.lists == nullptr ? residency.parts->snapshots.Pin() : filter.snapshot;
  call.reply.index = call.reply.snapshot->FindIndex(residency.version);
  if (call.reply.index == nullptr) {
    Refuse(std::move(jobs), "");
    return {};
  }
  index::IndexView view = call.reply.snapshot->View(residency.parts->spec, call.reply.index);
  call.reply.scope = std::make_shared<const CardScope>(ScopeOf(*residency.index, view));
  if (filter.lists != nullptr) {
    view.allowed = filter.rows->words();
    view.allowed_lists = filter.lists.get();
  }
  const index::gpu::CardView what = {view, *call.reply.scope};
  if (what.scope.on_card.empty() || IsForHost(what)) {
    Refuse(std::move(jobs), "");
    return {};
  }
  for (const CardJob& job : jobs) {
    call.questions.insert(call.questions.end(), job.questions.begin(), job.questions.end());
  }
  call.answers.resize(call.questions.size());
  call.jobs = std::move(jobs);
  call.begun = std::chrono::steady_clock::now();
  queries_ += static_cast<uint32_t>(call.questions.size());
  overlapped_ += !under_way_.empty();
  UnderWay& stays = under_way_.emplace_back(std::move(call));
  const auto ticket = asker_.Begin(*residency.index, what, stays.questions, stays.answers);
  if (ticket.ok()) stays.ticket = *ticket;
  return ticket.status();
}

void CardCalls::Answer(UnderWay& call) {
  const Deadline now = std::chrono::steady_clock::now();
  const uint64_t query_ns =
      Nanoseconds(now - std::max(call.begun, last_end_)) / call.questions.size();
  last_end_ = now;
  uint64_t on_card = 0;
  for (const CardAnswer& answer : call.answers) on_card += answer.is_of_card;
  batches_ += on_card != 0;
  on_card_ += on_card;
  on_host_ += call.answers.size() - on_card;
  auto next = call.answers.begin();
  for (CardJob& job : call.jobs) {
    const auto end = next + static_cast<ptrdiff_t>(job.questions.size());
    CardReply reply = call.reply;
    reply.answers.assign(std::make_move_iterator(next), std::make_move_iterator(end));
    reply.card_ns = query_ns * job.questions.size();
    next = end;
    job.done(std::move(reply));
  }
}

index::Status CardCalls::AnswerOldest() {
  if (index::Status status = asker_.Await(under_way_.front().ticket); !status.ok()) return status;
  UnderWay call = std::move(under_way_.front());
  under_way_.pop_front();
  queries_ -= static_cast<uint32_t>(call.questions.size());
  Answer(call);
  return {};
}

void CardCalls::GiveUp(const std::string& fault) {
  asker_.Drop();
  queries_ = 0;
  for (UnderWay& call : std::exchange(under_way_, {})) Refuse(std::move(call.jobs), fault);
}

void CardCalls::Refuse(std::vector<CardJob> jobs, const std::string& fault) {
  for (CardJob& job : jobs) {
    on_host_ += job.questions.size();
    CardReply reply;
    reply.fault = fault;
    job.done(std::move(reply));
  }
}

}  // namespace kith::shard
