#ifndef KITH_COORDINATOR_SEARCH_QUERY_CHECK_H_
#define KITH_COORDINATOR_SEARCH_QUERY_CHECK_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/meta/meta_store.h"
#include "coordinator/search/search_query.h"

// Everything a caller can get wrong in a search, refused before a shard hears of it. Pure. Each
// error is INVALID_ARGUMENT (an expired deadline: DEADLINE_EXCEEDED) and names the field.
namespace kith::coordinator {

// DEADLINE_REQUIRED where there is none or it is more than 60 s away.
absl::Status CheckDeadline(std::optional<Deadline> deadline, Deadline now);

// The number of queries, limit, depth, range, pages, groups, examples and what is to be returned.
absl::Status CheckSearch(const SearchQuery& query, const CollectionRecord& record);

// `query.vectors` as a shard takes them: count x dimension of QueryType. Empty for a query by
// point or by examples.
absl::StatusOr<std::string> QueryRows(const SearchQuery& query, const CollectionRecord& record);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_QUERY_CHECK_H_
