#include "coordinator/search/write_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {

absl::StatusOr<std::vector<uint64_t>> WaitLsns(const CollectionEntry& entry,
                                               std::span<const WriteToken> tokens,
                                               std::string_view field) {
  if (tokens.size() > limits::kTokensMax) {
    return FieldError(field, reason::kBatchTooLarge,
                      fmt::format("has {} tokens, at most {} are taken; keep the newest of each "
                                  "shard",
                                  tokens.size(), limits::kTokensMax));
  }
  std::vector<uint64_t> lsns(entry.routes.size());
  std::vector<uint64_t> epochs(entry.routes.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto route = std::find_if(entry.routes.begin(), entry.routes.end(),
                                    [&](const auto& r) { return r->shard == tokens[i].shard; });
    if (route == entry.routes.end()) {
      return FieldError(fmt::format("{}[{}].shard", field, i), reason::kBadRequest,
                        fmt::format("{} is no shard of collection \"{}\"; pass the tokens that "
                                    "writes to this collection returned",
                                    tokens[i].shard, entry.record.name));
    }
    const auto at = static_cast<size_t>(route - entry.routes.begin());
    const auto newest =
        std::max(std::pair(epochs[at], lsns[at]), std::pair(tokens[i].epoch, tokens[i].lsn));
    std::tie(epochs[at], lsns[at]) = newest;
  }
  return lsns;
}

}  // namespace kith::coordinator
