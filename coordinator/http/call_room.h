#ifndef KITH_COORDINATOR_HTTP_CALL_ROOM_H_
#define KITH_COORDINATOR_HTTP_CALL_ROOM_H_

#include <atomic>
#include <cstddef>
#include <optional>

#include "coordinator/http/http_limits.h"

namespace kith::http {

// How many REST calls are under way, and how many bytes their bodies have together. Threads: any.
class CallRoom {
 public:
  explicit CallRoom(const HttpLimits& limits) : limits_(limits) {}

  // A call's share, given back when it goes.
  class Share {
   public:
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      room_.body_bytes_ -= bytes_;
      --room_.calls_;
    }
    bool has_room() const { return calls_before_ < room_.limits_.calls_max; }
    // False where the bodies of all calls would be too long together.
    bool TakeBytes(size_t bytes) {
      bytes_ += bytes;
      return room_.body_bytes_.fetch_add(bytes) + bytes <= room_.limits_.all_bodies_bytes_max;
    }

   private:
    friend class CallRoom;
    explicit Share(CallRoom& room) : room_(room), calls_before_(room.calls_.fetch_add(1)) {}

    CallRoom& room_;
    const size_t calls_before_;
    size_t bytes_ = 0;
  };
  Share Enter() { return Share(*this); }

 private:
  const HttpLimits& limits_;
  std::atomic<size_t> calls_{0};
  std::atomic<size_t> body_bytes_{0};
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_CALL_ROOM_H_
