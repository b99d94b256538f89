#ifndef KITH_INDEX_GROUP_EXCHANGE_H_
#define KITH_INDEX_GROUP_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "index/matrix.h"
#include "index/pace.h"

namespace kith::index {

// Brings the groups of an order nearer together: two neighbouring groups share their rows out anew,
// each row to the mean that it lies nearer to, as far as the groups' sizes allow. Sizes stay; the
// squared distances of rows to the means of their groups only fall.
//
// Threads: one at a time. Pairs without a common group are done side by side: the same order for
// any number of threads.
class GroupExchange {
 public:
  // Both must outlive this. The groups are runs of kGroupLists, the last perhaps shorter.
  GroupExchange(const Matrix& rows, std::vector<uint32_t>& order);

  // False when cancelled: then the order is half done.
  bool Run(Pace& pace);

 private:
  using Pair = std::pair<uint32_t, uint32_t>;

  size_t groups() const { return means_.size() / rows_.dimension; }
  size_t Size(size_t group) const;
  float* Mean(size_t group) { return &means_[group * rows_.dimension]; }
  void FindMean(size_t group);
  bool FindNeighbours(Pace& pace, std::vector<Pair>& pairs);
  void Exchange(const Pair& pair);

  const Matrix& rows_;
  std::vector<uint32_t>& order_;
  std::vector<float> means_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_GROUP_EXCHANGE_H_
