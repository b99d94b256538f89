#ifndef KITH_COMMON_RPC_FRAME_QUEUE_H_
#define KITH_COMMON_RPC_FRAME_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

#include "common/base/limits.h"

namespace kith::rpc {

// One message and the little that a frame adds to it stay below what gRPC accepts.
inline constexpr size_t kFramedMessageBytesMax = limits::kMessageBytesMax - 4096;
inline constexpr size_t kFrameBytes = 4 << 20;
inline constexpr size_t kFrameMessagesMax = 1024;  // a receiver ends a stream that sends more

// Messages that wait for the stream. A frame takes what is there, up to about 4 MiB or one message,
// so that a lone call leaves at once and many share the cost of one write.
// Threads: one at a time.
template <typename Message>
class FrameQueue {
 public:
  // `bytes` of the message, which nothing needs to compute twice.
  void Push(Message&& message, size_t bytes) {
    bytes_ += bytes;
    waiting_.emplace_back(std::move(message), bytes);
  }
  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  size_t bytes() const { return bytes_; }
  // Removes the first message that is_it(message) is true of, if any, looking from the oldest on.
  template <typename IsIt>
  void Remove(IsIt is_it) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const auto& entry) { return is_it(entry.first); });
    if (found == waiting_.end()) return;
    bytes_ -= found->second;
    waiting_.erase(found);
  }
  void Clear() {
    waiting_.clear();
    bytes_ = 0;
  }

  // Hands the next messages to take(Message&&), which says whether it kept it.
  template <typename Take>
  void FillFrame(Take take) {
    size_t filled = 0;
    size_t taken = 0;
    while (!waiting_.empty() && taken < kFrameMessagesMax) {
      auto& [message, bytes] = waiting_.front();
      if (filled > 0 && filled + bytes > kFrameBytes) return;
      if (take(std::move(message))) {
        filled += bytes;
        ++taken;
      }
      bytes_ -= bytes;
      waiting_.pop_front();
    }
  }

 private:
  std::deque<std::pair<Message, size_t>> waiting_;
  size_t bytes_ = 0;
};

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_FRAME_QUEUE_H_
