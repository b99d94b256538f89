#include "index/list_segment.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "index/prefetch.h"

namespace kith::index {
namespace {

size_t RoundedUp(size_t bytes) {
  return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
}

// One vector's codes, wherever they stand: the code of sub-space m is codes[m * stride].
struct Entry {
  uint32_t row;
  uint16_t bias;
  const uint8_t* codes;
  size_t stride;
  const uint8_t* plane_b;
};

Entry EntryAt(const ListSegment::List& list, const IndexVersion& version, uint32_t position) {
  const ListSegment::Place place = ListSegment::PlaceOf(version.subspaces(), list.count, position);
  Entry entry{list.rows[position], 0, list.blocks + place.code, place.stride,
              list.plane_b + size_t{position} * version.plane_b_bytes()};
  std::memcpy(&entry.bias, list.blocks + place.bias, sizeof(entry.bias));
  return entry;
}

}  // namespace

// Lays lists out one after the other in arenas sized beforehand.
class ListSegment::Packer {
 public:
  Packer(const IndexVersion& version, std::span<const uint32_t> counts)
      : segment_(new ListSegment()), counts_(counts) {
    ListSegment& segment = *segment_;
    segment.subspaces_ = version.subspaces();
    segment.plane_b_bytes_ = version.plane_b_bytes();
    segment.block_offsets_.assign(1, 0);
    segment.vector_offsets_.assign(1, 0);
    for (const uint32_t count : counts) {
      const size_t bytes = ListBytes(segment.subspaces_, count);
      segment.block_offsets_.push_back(segment.block_offsets_.back() + RoundedUp(bytes));
      segment.vector_offsets_.push_back(segment.vector_offsets_.back() + count);
    }
    segment.blocks_.resize(segment.block_offsets_.back());
    segment.row_numbers_.resize(segment.vector_offsets_.back());
    segment.plane_b_.resize(segment.vector_offsets_.back() * segment.plane_b_bytes_);
  }

  void Put(uint32_t list, uint32_t position, const Entry& entry) {
    ListSegment& segment = *segment_;
    uint8_t* base = segment.blocks_.data() + segment.block_offsets_[list];
    const Place place = PlaceOf(segment.subspaces_, counts_[list], position);
    for (uint32_t m = 0; m < segment.subspaces_; ++m) {
      base[place.code + m * place.stride] = entry.codes[m * entry.stride];
    }
    std::memcpy(base + place.bias, &entry.bias, sizeof(entry.bias));
    const size_t vector = segment.vector_offsets_[list] + position;
    segment.row_numbers_[vector] = entry.row;
    std::memcpy(segment.plane_b_.data() + vector * segment.plane_b_bytes_, entry.plane_b,
                segment.plane_b_bytes_);
  }

  std::shared_ptr<const ListSegment> Finish(std::vector<uint32_t> side_rows) {
    segment_->rows_ = segment_->vector_offsets_.back() + side_rows.size();
    segment_->side_rows_ = std::move(side_rows);
    return std::move(segment_);
  }

 private:
  std::shared_ptr<ListSegment> segment_;
  std::span<const uint32_t> counts_;
};

std::shared_ptr<const ListSegment> ListSegment::FromEncoded(const IndexVersion& version,
                                                            const EncodedRows& encoded) {
  std::vector<uint32_t> counts(version.lists());
  for (const uint32_t list : encoded.lists) ++counts[list];
  std::vector<uint32_t> order(encoded.rows.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(encoded.lists[a], encoded.rows[a]) <
           std::pair(encoded.lists[b], encoded.rows[b]);
  });
  Packer packer(version, counts);
  std::vector<uint32_t> filled(version.lists());
  for (const uint32_t i : order) {
    const uint32_t list = encoded.lists[i];
    packer.Put(
        list, filled[list]++,
        {encoded.rows[i], encoded.bias[i], encoded.plane_a.data() + size_t{i} * version.subspaces(),
         1, encoded.plane_b.data() + size_t{i} * version.plane_b_bytes()});
  }
  std::vector<uint32_t> side_rows = encoded.side_rows;
  std::sort(side_rows.begin(), side_rows.end());
  return packer.Finish(std::move(side_rows));
}

std::shared_ptr<const ListSegment> ListSegment::FromCanonical(
    const IndexVersion& version, std::span<const uint32_t> counts,
    const std::function<CanonicalList(uint32_t)>& next, std::vector<uint32_t> side_rows) {
  Packer packer(version, counts);
  for (uint32_t number = 0; number < counts.size(); ++number) {
    const CanonicalList list = next(number);
    for (uint32_t i = 0; i < counts[number]; ++i) {
      packer.Put(number, i,
                 {list.rows[i], list.bias[i], list.plane_a.data() + size_t{i} * version.subspaces(),
                  1, list.plane_b.data() + size_t{i} * version.plane_b_bytes()});
    }
  }
  return packer.Finish(std::move(side_rows));
}

std::shared_ptr<const ListSegment> ListSegment::FromCanonical(const IndexVersion& version,
                                                              std::span<const CanonicalList> lists,
                                                              std::vector<uint32_t> side_rows) {
  std::vector<uint32_t> counts;
  counts.reserve(lists.size());
  for (const CanonicalList& list : lists) counts.push_back(static_cast<uint32_t>(list.rows.size()));
  return FromCanonical(
      version, counts, [&](uint32_t number) { return lists[number]; }, std::move(side_rows));
}

std::shared_ptr<const ListSegment> ListSegment::Merge(
    const IndexVersion& version, std::span<const std::shared_ptr<const ListSegment>> segments,
    const Tombstones& tombstones) {
  std::vector<uint32_t> counts(version.lists());
  std::vector<uint32_t> side_rows;
  for (const auto& segment : segments) {
    for (uint32_t number = 0; number < version.lists(); ++number) {
      const List list = segment->list(number);
      for (uint32_t i = 0; i < list.count; ++i) {
        counts[number] += !tombstones.IsDead(list.rows[i]);
      }
    }
    std::copy_if(segment->side_rows().begin(), segment->side_rows().end(),
                 std::back_inserter(side_rows),
                 [&](uint32_t row) { return !tombstones.IsDead(row); });
  }
  std::sort(side_rows.begin(), side_rows.end());
  Packer packer(version, counts);
  std::vector<Entry> entries;
  for (uint32_t number = 0; number < version.lists(); ++number) {
    entries.clear();
    for (const auto& segment : segments) {
      const List list = segment->list(number);
      for (uint32_t i = 0; i < list.count; ++i) {
        const Entry entry = EntryAt(list, version, i);
        if (!tombstones.IsDead(entry.row)) entries.push_back(entry);
      }
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.row < b.row; });
    for (uint32_t i = 0; i < entries.size(); ++i) packer.Put(number, i, entries[i]);
  }
  return packer.Finish(std::move(side_rows));
}

ListSegment::List ListSegment::list(uint32_t list) const {
  return {blocks_.data() + block_offsets_[list], row_numbers_.data() + vector_offsets_[list],
          plane_b_.data() + vector_offsets_[list] * plane_b_bytes_,
          static_cast<uint32_t>(vector_offsets_[list + 1] - vector_offsets_[list])};
}

std::vector<uint32_t> ListSegment::Rows(uint32_t number) const {
  const List list = this->list(number);
  return {list.rows, list.rows + list.count};
}

ListSegment::CanonicalCodes ListSegment::Codes(const Part& part) const {
  const List packed = list(part.list);
  CanonicalCodes codes;
  codes.bias.resize(part.end - part.begin);
  codes.plane_a.resize(codes.bias.size() * subspaces_);
  for (uint32_t i = 0; i < codes.bias.size(); ++i) {
    const Place place = PlaceOf(subspaces_, packed.count, part.begin + i);
    std::memcpy(&codes.bias[i], packed.blocks + place.bias, sizeof(uint16_t));
    for (uint32_t m = 0; m < subspaces_; ++m) {
      codes.plane_a[size_t{i} * subspaces_ + m] = packed.blocks[place.code + m * place.stride];
    }
  }
  return codes;
}

ListSegment::CanonicalList ListSegment::Canonical(uint32_t number) const {
  const List packed = list(number);
  CanonicalCodes codes = Codes({number, 0, packed.count});
  CanonicalList canonical;
  canonical.rows.assign(packed.rows, packed.rows + packed.count);
  canonical.bias = std::move(codes.bias);
  canonical.plane_a = std::move(codes.plane_a);
  canonical.plane_b.assign(packed.plane_b, packed.plane_b + size_t{packed.count} * plane_b_bytes_);
  return canonical;
}

uint64_t ListSegment::code_bytes() const {
  return blocks_.size() + row_numbers_.size() * sizeof(uint32_t) +
         (block_offsets_.size() + vector_offsets_.size()) * sizeof(uint64_t);
}

uint64_t ListSegment::refine_bytes() const { return plane_b_.size(); }

}  // namespace kith::index
