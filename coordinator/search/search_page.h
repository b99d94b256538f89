#ifndef KITH_COORDINATOR_SEARCH_SEARCH_PAGE_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_PAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/meta/meta_store.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/search_query.h"

// Pages of one search: each is searched as the first one was, and begins behind the last hit of
// the one before. So on a collection that does not change they are one answer cut into pieces.
// Pure.
namespace kith::coordinator {

// What a token is good for; hashes, but for the incarnation.
struct PageBinding {
  Uuid incarnation;
  uint64_t query = 0;       // its vectors and the points left out
  uint64_t filter = 0;      // 0: none
  uint64_t parameters = 0;  // limit, range and how deep to look, as named
};

// `vectors`: the query's, in the shards' form.
PageBinding BindingOf(const CollectionRecord& record, const SearchQuery& query,
                      std::string_view vectors);

// How the pages of one search are looked for, and where the next one begins.
struct SearchPage {
  HitPlace last;
  bool is_flat = true;
  std::string index_version;  // empty where flat, and then the next four say nothing
  uint32_t nprobe = 1;
  uint32_t refine = 0;
  uint32_t rerank = 0;
  float stop_ratio = 0;
  Completeness completeness = Completeness::kExact;
};

std::string SearchPageToken(const PageBinding& binding, const SearchPage& page);

// INVALID_ARGUMENT BAD_PAGE_TOKEN naming page_token, and in words what it is not of: this server,
// collection, query, filter or parameters.
absl::StatusOr<SearchPage> PageOf(std::string_view token, const PageBinding& binding);

// Makes the plan that of the page. BAD_PAGE_TOKEN where its index version is not held any more.
absl::Status ContinueFrom(const SearchPage& page, SearchPlan& plan);

// The page behind `last`, as `plan` has searched for this one.
SearchPage NextPage(const SearchPlan& plan, const HitPlace& last, Completeness completeness);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_PAGE_H_
