#ifndef KITH_COMMON_BASE_CORE_SPREAD_H_
#define KITH_COMMON_BASE_CORE_SPREAD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kith {

// Keeps threads that work at the same time on cores of their own. The kernel leaves two busy ones
// on one core for tenths of a second, while threads of lower priority have the next: it moves none
// that ran within half a millisecond, and those that take short turns always did
// (docs/decisions/0060 has what that costs). A thread that begins to work where another one does is
// moved once to a core where none does, if there is such, and may be moved on from there by the
// kernel as before: nothing is pinned.
//
// Threads: any. Outlives the seats.
class CoreSpread {
 public:
  CoreSpread();

  // Held by the calling thread while it works.
  class Seat {
   public:
    explicit Seat(CoreSpread& spread) : spread_(spread), core_(spread.Sit()) {}
    ~Seat() { spread_.Rise(core_); }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    CoreSpread& spread_;
    const size_t core_;
  };

  uint64_t moves() const { return moves_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Core {
    std::atomic<uint32_t> seats = 0;
  };
  size_t Sit();
  void Rise(size_t core);
  size_t MoveFrom(size_t core);

  std::vector<Core> cores_;  // by the kernel's numbers; the last: of none that is known
  std::atomic<uint64_t> moves_ = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_BASE_CORE_SPREAD_H_
