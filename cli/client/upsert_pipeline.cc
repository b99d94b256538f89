#include "cli/client/upsert_pipeline.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <utility>

#include "cli/client/rpc_error.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{100};
// Where a source has nothing to send it is asked again for so long before answers are looked for,
// which takes a millisecond even where there is none.
constexpr milliseconds kAskAgain{20};
// A call may be overtaken by so many times the calls in flight: what the source keeps of calls that
// it cannot count as done yet stays bounded.
constexpr uint64_t kOvertakeFactor = 8;

// How long calls in flight are waited for after a failure before they are cancelled.
constexpr milliseconds kDrain{5'000};

std::chrono::system_clock::time_point WallTime(steady_clock::time_point moment) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(moment -
                                                                         steady_clock::now());
}

}  // namespace

struct UpsertPipeline::Call {
  enum class State { kIdle, kInFlight, kWaiting };

  State state = State::kIdle;
  uint64_t ticket = 0;
  uint64_t sequence = 0;
  int attempt = 0;
  Moment first_sent;
  Moment due;  // kWaiting: when to send again
  v1::UpsertRequest request;
  v1::UpsertResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::UpsertResponse>> reader;
};

absl::Status PassingFailure(const v1::UpsertResponse& response) {
  for (const google::rpc::Status& item : response.statuses()) {
    if (item.code() == 0) continue;
    absl::Status status = FromItemStatus(item);
    if (RetryDelay(status, 1, 0).has_value()) return status;
  }
  return absl::OkStatus();
}

UpsertPipeline::UpsertPipeline(std::shared_ptr<grpc::Channel> channel,
                               UpsertPipelineOptions options, InterruptWatch& interrupt)
    : options_(options),
      interrupt_(interrupt),
      stub_(v1::Points::NewStub(std::move(channel))),
      jitter_(std::random_device{}()) {
  for (size_t i = 0; i < std::max<size_t>(1, options_.in_flight); ++i) {
    calls_.push_back(std::make_unique<Call>());
  }
}

UpsertPipeline::~UpsertPipeline() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

absl::Status UpsertPipeline::Run(UpsertSource& source) {
  last_success_ = steady_clock::now();
  absl::Status status = Loop(source);
  if (!status.ok()) Drain(source);
  return status;
}

absl::Status UpsertPipeline::Loop(UpsertSource& source) {
  Moment ask_until = steady_clock::now() + kAskAgain;
  while (true) {
    if (interrupt_.interrupted()) return absl::CancelledError("interrupted");
    KITH_ASSIGN_OR_RETURN(const UpsertStep::Kind said, StartNew(source));
    StartDue(steady_clock::now());
    const bool idle = std::all_of(calls_.begin(), calls_.end(), [](const auto& call) {
      return call->state == Call::State::kIdle;
    });
    if (idle && said == UpsertStep::Kind::kEnd) return absl::OkStatus();
    const bool more = said == UpsertStep::Kind::kAgain;
    if (more && steady_clock::now() < ask_until) continue;
    KITH_RETURN_IF_ERROR(TakeAnswer(more ? steady_clock::now() : NextWake(), source));
    KITH_RETURN_IF_ERROR(source.Tick());
    ask_until = steady_clock::now() + kAskAgain;
  }
}

absl::StatusOr<UpsertStep::Kind> UpsertPipeline::StartNew(UpsertSource& source) {
  // While a call waits because the server asked for less, nothing new is added to its load.
  uint64_t oldest = next_sequence_;
  for (const auto& call : calls_) {
    if (call->state == Call::State::kWaiting) return UpsertStep::Kind::kBlocked;
    if (call->state == Call::State::kInFlight) oldest = std::min(oldest, call->sequence);
  }
  for (const auto& call : calls_) {
    if (next_sequence_ - oldest > kOvertakeFactor * calls_.size()) break;
    if (call->state != Call::State::kIdle) continue;
    call->request.Clear();
    KITH_ASSIGN_OR_RETURN(const UpsertStep step, source.Next(call->request));
    if (step.kind != UpsertStep::Kind::kRequest) return step.kind;
    call->ticket = step.ticket;
    call->sequence = next_sequence_++;
    call->attempt = 0;
    call->first_sent = steady_clock::now();
    Send(*call);
  }
  return UpsertStep::Kind::kBlocked;
}

void UpsertPipeline::StartDue(Moment now) {
  for (const auto& call : calls_) {
    if (call->state == Call::State::kWaiting && call->due <= now) Send(*call);
  }
}

void UpsertPipeline::Send(Call& call) {
  call.state = Call::State::kInFlight;
  ++call.attempt;
  call.response.Clear();
  call.context = std::make_unique<grpc::ClientContext>();
  call.context->set_deadline(std::chrono::system_clock::now() + options_.call_deadline);
  call.reader = stub_->AsyncUpsert(call.context.get(), call.request, &queue_);
  call.reader->Finish(&call.response, &call.status, &call);
}

UpsertPipeline::Moment UpsertPipeline::NextWake() const {
  Moment wake = steady_clock::now() + kTick;
  for (const auto& call : calls_) {
    if (call->state == Call::State::kWaiting) wake = std::min(wake, call->due);
  }
  return wake;
}

absl::Status UpsertPipeline::TakeAnswer(Moment wait_until, UpsertSource& source) {
  void* tag = nullptr;
  bool ok = false;
  const auto next = queue_.AsyncNext(&tag, &ok, WallTime(wait_until));
  if (next != grpc::CompletionQueue::GOT_EVENT) return absl::OkStatus();
  return Finish(*static_cast<Call*>(tag), source);
}

absl::Status UpsertPipeline::Finish(Call& call, UpsertSource& source) {
  call.state = Call::State::kIdle;
  absl::Status failure = FromRpcStatus(call.status);
  if (failure.ok()) failure = PassingFailure(call.response);
  if (!failure.ok()) return RetryLater(call, failure, source);
  last_success_ = steady_clock::now();
  return source.Done(call.ticket, call.response, last_success_ - call.first_sent);
}

absl::Status UpsertPipeline::RetryLater(Call& call, const absl::Status& failure,
                                        UpsertSource& source) {
  const double jitter = static_cast<double>(jitter_()) / static_cast<double>(jitter_.max() + 1.0);
  const auto delay = RetryDelay(failure, call.attempt, jitter);
  if (!delay.has_value()) return failure;
  if (steady_clock::now() - last_success_ > options_.patience) return failure;
  call.state = Call::State::kWaiting;
  call.due = steady_clock::now() + *delay;
  ++retries_;
  source.Retrying(failure, *delay);
  return absl::OkStatus();
}

// What was sent before a failure may well succeed, and the source should know.
void UpsertPipeline::Drain(UpsertSource& source) {
  size_t open = 0;
  for (const auto& call : calls_) open += call->state == Call::State::kInFlight ? 1 : 0;
  const Moment patience_ends = steady_clock::now() + kDrain;
  while (open > 0) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, WallTime(patience_ends)) != grpc::CompletionQueue::GOT_EVENT) {
      CancelAll();
      (void)queue_.Next(&tag, &ok);
    }
    --open;
    auto& call = *static_cast<Call*>(tag);
    call.state = Call::State::kIdle;
    if (!call.status.ok() || !PassingFailure(call.response).ok()) continue;
    (void)source.Done(call.ticket, call.response, steady_clock::now() - call.first_sent);
  }
}

void UpsertPipeline::CancelAll() {
  for (const auto& call : calls_) {
    if (call->state == Call::State::kInFlight) call->context->TryCancel();
  }
}

}  // namespace kith::cli
