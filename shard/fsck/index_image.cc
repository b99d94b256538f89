#include "shard/fsck/index_image.h"

#include <fmt/format.h>

#include "common/base/status.h"
#include "index/list_segment.h"
#include "shard/storage/segment_file.h"

namespace kith::fsck {
namespace {

constexpr char kEncodedAgain[] = "nothing: the next start encodes the index again from the state";

}  // namespace

IndexImage::IndexImage(const CheckHost& host, const storage::NodeDirectory::ShardDirectory& shard,
                       const shard::Manifest::Index& listed, Report& report)
    : path_(shard.path + "/seg"), listed_(listed) {
  listings_.resize(listed.indexed_end);
  lives_.resize(listed.indexed_end);
  const auto version = host.artifacts->Load(listed.version);
  if (!version.ok()) {
    is_readable_ = false;
    report.Add({host.artifacts->PathOf(listed.version).value_or(listed.version),
                std::string(version.status().message()), Remedy::kRestore,
                "put the file back from a copy of any age, or start and train again; until then "
                "searches of the index are refused and exact ones answered"});
  }
  const storage::SegmentIdentity identity{shard.spec.incarnation, listed.version};
  for (const std::string& file : listed.segments) {
    const std::string path = path_ + "/" + file;
    if (!version.ok()) {
      const absl::Status framed = storage::VerifyFramedFile(*host.files, path);
      if (!framed.ok()) {
        report.Add({path, std::string(framed.message()), Remedy::kStart, kEncodedAgain});
      }
      continue;
    }
    const auto segment = storage::ReadSegmentFile(*host.files, path, identity, **version);
    if (!segment.ok()) {
      is_readable_ = false;
      report.Add({path, std::string(segment.status().message()), Remedy::kStart, kEncodedAgain});
      continue;
    }
    for (uint32_t list = 0; list < (*version)->lists(); ++list) {
      for (const uint32_t row : (*segment)->Rows(list)) List(row);
    }
    for (const uint32_t row : (*segment)->side_rows()) List(row);
  }
}

void IndexImage::List(uint32_t row) {
  if (row >= listings_.size()) {
    ++beyond_;
  } else if (listings_[row] < 2) {
    ++listings_[row];
  }
}

void IndexImage::Note(uint32_t row) {
  if (row < lives_.size()) lives_[row] = true;
}

void IndexImage::Compare(const index::Tombstones& tombstones, Report& report) const {
  if (!is_readable_) return;
  uint64_t wrong = beyond_;
  for (uint32_t row = 0; row < listings_.size(); ++row) {
    const bool is_wrong =
        lives_[row] ? listings_[row] != 1 : listings_[row] != 0 && !tombstones.IsDead(row);
    wrong += is_wrong ? 1 : 0;
  }
  if (wrong == 0) return;
  report.Add({path_,
              fmt::format("index version {} does not list {} rows as the state has them",
                          listed_.version, wrong),
              Remedy::kStart, kEncodedAgain});
}

}  // namespace kith::fsck
