#include "index/gpu/allowed_rows.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "index/tombstones.h"

namespace kith::index::gpu {
namespace {

constexpr uint64_t kPageWords = Tombstones::kPageRows / 64;
constexpr uint64_t kStagedWords = 256 * kPageWords;

}  // namespace

Status AllowedRows::Allocate(Card& card, uint64_t rows_end) {
  const uint64_t pages =
      std::max<uint64_t>(1, (rows_end + Tombstones::kPageRows - 1) / Tombstones::kPageRows);
  held_ = 0;
  Status status = bits_.Allocate(card, pages * kPageWords);
  if (status.ok() && staging_.count() == 0) status = staging_.Allocate(card, kStagedWords);
  return status;
}

Status AllowedRows::Hold(Card& card, const AllowedLists& allowed) {
  if (held_ == allowed.id()) return {};
  const std::span<const uint64_t> words = allowed.rows();
  if (words.size() > bits_.count()) {
    // Room for half as many again, so that this stays rare.
    const uint64_t rows = words.size() * 64;
    if (Status status = Allocate(card, rows + rows / 2); !status.ok()) return status;
  }
  held_ = 0;
  for (uint64_t begin = 0; begin < words.size(); begin += kStagedWords) {
    const auto piece = words.subspan(begin, std::min(kStagedWords, words.size() - begin));
    std::memcpy(staging_.data(), piece.data(), piece.size_bytes());
    Status status = card.CopyIn({bits_.data() + begin, staging_.data(), piece.size_bytes()});
    if (status.ok()) status = card.Wait();  // the staging is written again
    if (!status.ok()) return status;
  }
  held_ = allowed.id();
  return {};
}

}  // namespace kith::index::gpu
