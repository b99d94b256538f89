#ifndef KITH_INDEX_QUERY_ORDER_H_
#define KITH_INDEX_QUERY_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/centroid_codes.h"
#include "index/matrix.h"

namespace kith::index {

// Places among an index's centroids, in an order in which those that follow one another lie near
// one another. Queries in the order of their nearest landmarks probe lists that the one before
// them has brought into the cache.
//
// Threads: immutable.
class Landmarks {
 public:
  Landmarks() = default;  // none: all queries are alike
  explicit Landmarks(const Matrix& centroids);

  size_t count() const { return codes_.centroids(); }
  // Bytes of an encoded query.
  size_t width() const { return codes_.width(); }
  void Encode(const float* query, int8_t* code) const { codes_.EncodePoint(query, code); }
  // The nearest one of each of `count` encoded queries that stand one after another.
  void Find(const int8_t* codes, size_t count, uint32_t* nearest) const;

 private:
  CentroidCodes codes_;
};

// In which order queries of one batch are answered. An order says nothing about the answers.
//
// Threads: one at a time.
class QueryOrder {
 public:
  // As they stand.
  void Plain(size_t count);
  // By the landmarks: Begin, a query (decoded) after the other, End.
  void Begin(const Landmarks& landmarks);
  void Add(const float* query);
  void End();

  uint32_t operator[](size_t i) const { return order_[i]; }

 private:
  const Landmarks* landmarks_ = nullptr;
  std::vector<int8_t> codes_;
  std::vector<uint32_t> nearest_;
  std::vector<uint32_t> order_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_QUERY_ORDER_H_
