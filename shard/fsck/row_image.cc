#include "shard/fsck/row_image.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/vector/element.h"
#include "common/vector/row_table.h"
#include "shard/storage/row_check.h"

namespace kith::fsck {
namespace {

constexpr char kWrittenAgain[] = "nothing: the next start writes these rows again from the state";

uint32_t StrideOf(const ShardSpec& spec) {
  return RowTable::StrideFor(spec.dimension * ElementSize(spec.element_type));
}

}  // namespace

RowImage::RowImage(storage::FileSystem& files, const storage::NodeDirectory::ShardDirectory& shard,
                   Report& report)
    : extent_bits_(shard.row_extent_bits),
      stride_(StrideOf(shard.spec)),
      directory_(shard.path + "/rows") {
  const auto names = files.List(directory_);
  if (!names.ok()) return;  // all of it is missing
  const uint64_t size = uint64_t{stride_} << extent_bits_;
  for (const std::string& name : *names) {
    uint32_t number = 0;
    if (!name.ends_with(".rows") || !absl::SimpleAtoi(name.substr(0, name.find('.')), &number) ||
        number > (~uint32_t{0} >> extent_bits_)) {
      continue;
    }
    auto map = files.MapReadOnly(directory_ + "/" + name);
    if (number >= extents_.size()) extents_.resize(number + 1);
    extents_[number].path = directory_ + "/" + name;
    if (map.ok() && (*map)->size() > size) {
      report.Add(
          {directory_ + "/" + name,
           fmt::format("it has {} bytes, and the shard's extents have {}", (*map)->size(), size),
           Remedy::kRepair, "remove it (--repair does): the next start writes it again"});
      continue;
    }
    if (map.ok()) extents_[number].map = *std::move(map);
  }
}

bool RowImage::IsRight(const Extent& extent, const storage::RowRecord& record) const {
  const uint64_t within = record.row & ((uint32_t{1} << extent_bits_) - 1);
  if (extent.map == nullptr || extent.map->size() < (within + 1) * stride_) return false;
  return storage::IsRecordOf(extent.map->data() + within * stride_, stride_, record);
}

void RowImage::Compare(const storage::RowRecord& record) {
  const uint32_t number = record.row >> extent_bits_;
  if (number >= extents_.size()) extents_.resize(number + 1);
  Extent& extent = extents_[number];
  if (extent.path.empty()) extent.path = fmt::format("{}/{:06}.rows", directory_, number);
  if (IsRight(extent, record)) return;
  if (extent.wrong_rows++ == 0) extent.first_wrong = record.row;
}

void RowImage::AddTo(Report& report) const {
  for (const Extent& extent : extents_) {
    if (extent.wrong_rows == 0) continue;
    report.Add({extent.path,
                fmt::format("{} rows are missing or not what the state says, the first is {}",
                            extent.wrong_rows, extent.first_wrong),
                Remedy::kStart, kWrittenAgain});
  }
}

}  // namespace kith::fsck
