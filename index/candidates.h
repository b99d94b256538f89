#ifndef KITH_INDEX_CANDIDATES_H_
#define KITH_INDEX_CANDIDATES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace kith::index {

// Integers in the order of floats (no NaN), and back: the kernels select among integers.
inline int32_t OrderOf(float value) {
  const auto bits = std::bit_cast<int32_t>(value + 0.0f);  // -0 becomes 0, which equals it
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
inline float ValueOf(int32_t order) {
  return std::bit_cast<float>(order ^ ((order >> 31) & 0x7fffffff));
}

// A row that plane A let through: `position` in the list of the scan's run `run`.
struct Candidate {
  float rank;
  uint32_t run;
  uint32_t position;
};

// Candidates and their ranks, side by side, so that cutting to the best is a matter of vector
// instructions over the ranks.
//
// Threads: one at a time.
class Candidates {
 public:
  size_t size() const { return orders_.size(); }
  Candidate operator[](size_t i) const {
    return {ValueOf(orders_[i]), static_cast<uint32_t>(places_[i] >> 32),
            static_cast<uint32_t>(places_[i])};
  }
  float rank(size_t i) const { return ValueOf(orders_[i]); }
  void set_rank(size_t i, float rank) { orders_[i] = OrderOf(rank); }

  // A rank that is a number.
  void Add(const Candidate& candidate) {
    orders_.push_back(OrderOf(candidate.rank));
    places_.push_back(uint64_t{candidate.run} << 32 | candidate.position);
  }
  void Clear() { Truncate(0); }
  void Truncate(size_t size);
  // Drops those from `begin` on that `is_dropped(candidate)`.
  template <typename Predicate>
  void DropIf(size_t begin, Predicate is_dropped) {
    size_t kept = begin;
    for (size_t i = begin; i < size(); ++i) {
      orders_[kept] = orders_[i];
      places_[kept] = places_[i];
      kept += !is_dropped((*this)[i]);
    }
    Truncate(kept);
  }

  // Keeps the `depth` (above 0, below size) smallest by rank; where a rank is cut through,
  // `before(a, b)` orders its candidates. Gives the largest rank kept. They stay in the order they
  // came in, but for those tied at the cut.
  using Before = std::function<bool(const Candidate&, const Candidate&)>;
  float Keep(size_t depth, const Before& before);

  uint64_t memory_bytes() const {
    return orders_.capacity() * sizeof(int32_t) + places_.capacity() * sizeof(uint64_t);
  }
  void GiveBackMemory();

 private:
  void CutTies(size_t depth, int32_t tied, const Before& before);

  std::vector<int32_t> orders_;   // of the ranks
  std::vector<uint64_t> places_;  // run above, position below
};

}  // namespace kith::index

#endif  // KITH_INDEX_CANDIDATES_H_
