#include <algorithm>
#include <cstring>
#include <optional>

#include "common/base/byte_codec.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/frame_writer.h"
#include "shard/storage/segment_file.h"

namespace kith::storage {
namespace {

using index::Tombstones;

enum PageKind : char { kNoneDead = 0, kAllDead = 1, kSomeDead = 2 };

constexpr size_t kPageBytes = sizeof(Tombstones::PageWords);
constexpr uint64_t kPagesMax = uint64_t{1} << (32 - Tombstones::kPageBits);

char KindOf(const Tombstones::PageWords* page) {
  if (page == nullptr) return kNoneDead;
  for (const uint64_t word : *page) {
    if (word != ~uint64_t{0}) return kSomeDead;
  }
  return kAllDead;
}

// The kind of every page up to the last one with a dead row, padded to whole words.
std::string PageKinds(const Tombstones& tombstones, uint64_t& pages) {
  std::string kinds(tombstones.page_count(), kNoneDead);
  pages = 0;
  for (uint32_t number = 0; number < tombstones.page_count(); ++number) {
    kinds[number] = KindOf(tombstones.page(number));
    if (kinds[number] != kNoneDead) pages = number + 1;
  }
  kinds.resize((pages + 7) / 8 * 8, kNoneDead);
  return kinds;
}

std::optional<Tombstones> DecodePages(std::string_view body) {
  if (body.size() < sizeof(uint64_t)) return std::nullopt;
  const auto pages = GetLittleEndian<uint64_t>(body.data());
  body.remove_prefix(sizeof(uint64_t));
  if (pages > kPagesMax || body.size() < (pages + 7) / 8 * 8) return std::nullopt;
  const std::string_view kinds = body.substr(0, pages);
  std::string_view rest = body.substr((pages + 7) / 8 * 8);
  std::vector<uint32_t> numbers;
  std::vector<Tombstones::PageWords> words;
  std::vector<uint32_t> all_dead;
  for (uint32_t number = 0; number < pages; ++number) {
    if (kinds[number] == kAllDead) all_dead.push_back(number);
    if (kinds[number] != kSomeDead) continue;
    if (rest.size() < kPageBytes) return std::nullopt;
    numbers.push_back(number);
    std::memcpy(words.emplace_back().data(), rest.data(), kPageBytes);
    rest.remove_prefix(kPageBytes);
  }
  if (!rest.empty()) return std::nullopt;
  return Tombstones::FromPages(numbers, words).WithPages(all_dead);
}

}  // namespace

absl::Status WriteTombstoneFile(FileSystem& files, const std::string& path,
                                const Tombstones& tombstones) {
  uint64_t pages = 0;
  const std::string kinds = PageKinds(tombstones, pages);
  const auto mixed = static_cast<uint64_t>(std::count(kinds.begin(), kinds.end(), kSomeDead));
  FrameHeader header;
  header.magic = kTombstoneMagic;
  header.body_bytes = sizeof(pages) + kinds.size() + mixed * kPageBytes;
  KITH_ASSIGN_OR_RETURN(FrameWriter writer, FrameWriter::Begin(files, path, header));
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint64_t>({&pages, 1}));
  KITH_RETURN_IF_ERROR(writer.Append(kinds));
  for (uint32_t number = 0; number < pages; ++number) {
    if (kinds[number] != kSomeDead) continue;
    KITH_RETURN_IF_ERROR(writer.AppendArray<uint64_t>(*tombstones.page(number)));
  }
  return writer.Finish();
}

absl::StatusOr<Tombstones> ReadTombstoneFile(FileSystem& files, const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files.MapReadOnly(path));
  const std::string_view file(reinterpret_cast<const char*>(map->data()), map->size());
  KITH_ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(path, file, kTombstoneMagic));
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckFrame(path, file, header));
  std::optional<Tombstones> tombstones = DecodePages(body);
  if (!tombstones.has_value()) return CorruptFile(path, "its pages are not what its size says");
  return *std::move(tombstones);
}

}  // namespace kith::storage
