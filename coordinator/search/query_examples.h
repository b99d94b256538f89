#ifndef KITH_COORDINATOR_SEARCH_QUERY_EXAMPLES_H_
#define KITH_COORDINATOR_SEARCH_QUERY_EXAMPLES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/search/point_reader.h"
#include "coordinator/search/search_query.h"
#include "coordinator/search/vector_input.h"

// From stored points and examples to the vectors that shards are asked with. Pure.
namespace kith::coordinator {

// The stored points that a query comes from, each once: they are read first, and left out of the
// hits.
std::vector<PointKey> PointsOf(const SearchQuery& query);

// INVALID_ARGUMENT naming the field: no positive example or too many, more than the strategy
// takes, or what goes with no strategy of that kind.
absl::Status CheckExamples(const SearchQuery& query);

// As shards take them; one buffer for all of a kind.
struct QueryVectors {
  std::string searched;  // the query's, or those of the positive examples, each a query
  std::string negative;  // of kBestScore: those that hits must not be nearer to
};

// Of `query.point` or `query.examples`. `points`: one row for each of PointsOf(query).
// NOT_FOUND POINT_NOT_FOUND naming every point that is missing; INVALID_ARGUMENT as AppendVector,
// and ZERO_VECTOR_COSINE or BAD_VECTOR where the examples come to no vector.
absl::StatusOr<QueryVectors> VectorsOf(const SearchQuery& query, const PointRows& points,
                                       const VectorShape& shape);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_QUERY_EXAMPLES_H_
