#ifndef KITH_CLI_LOAD_MIX_H_
#define KITH_CLI_LOAD_MIX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/dataset/random.h"

namespace kith::cli {

enum class CallKind { kSearch, kSearchBatch, kUpsert };

// One kind of call and how large a part of the calls it is.
struct MixPart {
  CallKind kind = CallKind::kSearch;
  uint32_t items = 1;        // queries or points a call
  double share = 1;          // of the calls
  std::string Name() const;  // as it is written in a mix, without the share
};

// "search=0.9,search_batch:64=0.05,upsert:256=0.05": shares of the calls, together 1. The usage
// error names --mix and says what to write.
absl::StatusOr<std::vector<MixPart>> ParseMix(std::string_view text);

// Draws parts by their shares.
// Threads: one at a time.
class MixDraw {
 public:
  MixDraw(const std::vector<MixPart>& parts, uint64_t seed, uint64_t stream);
  size_t Next();  // a part's place in the mix

 private:
  std::vector<double> share_below_;
  RandomStream random_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_MIX_H_
