#ifndef KITH_COMMON_RPC_ANSWER_STREAM_H_
#define KITH_COMMON_RPC_ANSWER_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <mutex>
#include <utility>

namespace kith::rpc {

// The server's end of a stream whose messages are answered by others, later and in any order: when
// it reads, writes and finishes. It reads while the derived class has room, writes while that has
// answers, one of each at a time, and finishes once its reads have ended (or a drain began, or the
// client is gone) and nothing is left to answer. What finishes is deleted, in OnDone.
//
// Threads: gRPC's, and those that answer.
template <typename Request, typename Response>
class AnswerStream : public grpc::ServerBidiReactor<Request, Response> {
 protected:
  // At the end of the derived constructor: this, or BeginDrain.
  void Begin() { Advance(std::unique_lock(mutex_)); }
  // Answers what it has read, reads no more, and ends.
  void BeginDrain() {
    std::unique_lock lock(mutex_);
    draining_ = true;
    Advance(std::move(lock));
  }

  // What came; without the lock, and no other read runs meanwhile. May be after the stream
  // finished: a read may be in flight then.
  virtual void Handle(Request& message) = 0;
  // The rest with the lock. Whether another message may come now.
  virtual bool HasRoom() const = 0;
  // Whether a message that was taken has no answer yet.
  virtual bool AwaitsAnswers() const = 0;
  // Takes the answers that are to be written next; false where there are none.
  virtual bool TakeAnswers(Response& outgoing) = 0;
  // The write of those has ended.
  virtual void OnAnswersWritten() = 0;
  // Nobody reads answers any more.
  virtual void DropAnswers() = 0;
  virtual grpc::Status EndStatus() const = 0;

  // Starts whatever the state allows; releases the lock. The stream may be gone afterwards.
  //
  // An operation that is marked as running may not have begun when somebody else looks: until it
  // has, the stream does not finish, for what finishes is deleted. So the one that begins it looks
  // again.
  void Advance(std::unique_lock<std::mutex> lock) {
    while (true) {
      const bool write = !writing_ && !broken_ && TakeAnswers(outgoing_);
      if (write) writing_ = true;
      const bool read = MayRead();
      if (read) reading_ = true;
      if (!write && !read) break;
      ++starting_;
      lock.unlock();
      if (write) this->StartWrite(&outgoing_);
      if (read) this->StartRead(&incoming_);
      lock.lock();
      --starting_;
    }
    if (!MayFinish()) return;
    finished_ = true;
    const grpc::Status status = EndStatus();
    lock.unlock();
    this->Finish(status);
  }

  std::mutex mutex_;  // guards the flags below, and what the derived class puts under it
  bool reads_ended_ = false;
  bool broken_ = false;  // nobody reads answers any more
  bool draining_ = false;
  bool finished_ = false;

  bool writing() const { return writing_; }

 private:
  void OnReadDone(bool ok) final {
    if (ok) Handle(incoming_);
    std::unique_lock lock(mutex_);
    reading_ = false;
    if (!ok) reads_ended_ = true;
    Advance(std::move(lock));
  }

  void OnWriteDone(bool ok) final {
    std::unique_lock lock(mutex_);
    writing_ = false;
    OnAnswersWritten();
    if (!ok) Break();
    Advance(std::move(lock));
  }

  void OnCancel() final {
    std::unique_lock lock(mutex_);
    Break();
    Advance(std::move(lock));
  }

  void Break() {
    broken_ = true;
    DropAnswers();
  }

  bool MayRead() const {
    return !reading_ && !reads_ended_ && !broken_ && !draining_ && !finished_ && HasRoom();
  }
  bool MayFinish() const {
    return !finished_ && (reads_ended_ || draining_ || (broken_ && !reading_)) &&
           !AwaitsAnswers() && !writing_ && starting_ == 0;
  }

  Request incoming_;     // belongs to the read in flight and to OnReadDone
  Response outgoing_;    // belongs to the write in flight
  size_t starting_ = 0;  // operations that are marked as running but may not have begun yet
  bool reading_ = false;
  bool writing_ = false;
};

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_ANSWER_STREAM_H_
