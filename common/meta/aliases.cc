#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/meta_store.h"

namespace kith {
namespace {

using State = CollectionRecord::State;

absl::Status ChangeOne(const AliasChange& change, const std::vector<CollectionRecord>& collections,
                       Aliases& aliases) {
  if (change.collection.empty()) {
    if (aliases.erase(change.alias) == 1) return absl::OkStatus();
    return Error(absl::StatusCode::kNotFound, reason::kAliasNotFound,
                 fmt::format("there is no alias {}; list them", change.alias));
  }
  const auto find = [&](const std::string& name) {
    return std::find_if(collections.begin(), collections.end(),
                        [&](const CollectionRecord& record) { return record.name == name; });
  };
  if (find(change.alias) != collections.end()) {
    return Error(absl::StatusCode::kAlreadyExists, reason::kCollectionExists,
                 fmt::format("{} is a collection's own name: choose another alias", change.alias));
  }
  const auto named = find(change.collection);
  if (named == collections.end() || named->state != State::kActive) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                 fmt::format("there is no collection {}; an alias names one that is there, not "
                             "another alias",
                             change.collection));
  }
  aliases[change.alias] = change.collection;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Aliases> ChangedAliases(Aliases aliases, const std::vector<AliasChange>& changes,
                                       const std::vector<CollectionRecord>& collections) {
  for (const AliasChange& change : changes) {
    KITH_RETURN_IF_ERROR(ChangeOne(change, collections, aliases));
  }
  if (aliases.size() <= limits::kAliasesMax) return aliases;
  return Error(absl::StatusCode::kResourceExhausted, reason::kAliasLimit,
               fmt::format("there would be {} aliases, {} are the most a cluster may have: delete "
                           "some",
                           aliases.size(), limits::kAliasesMax));
}

}  // namespace kith
