// Segment files, of a version with a byte a dimension and of one with packed residuals: as they
// are, and with their checksums made right.
#include "shard/storage/segment_file.h"

#include <cstdlib>
#include <memory>
#include <random>

#include "tests/fuzz/frame_bytes.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/memory_files.h"
#include "tests/fuzz/target.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::fuzz {
namespace {

using index::IndexVersion;
using index::ListSegment;

const char kPath[] = "seg/000001.seg";

std::shared_ptr<const IndexVersion> VersionOf(index::PlaneB plane_b) {
  std::mt19937 random(3);
  index::IndexParameters parameters{9, Metric::kL2, ElementType::kF32, 4, 3};
  parameters.plane_b = plane_b;
  if (plane_b == index::PlaneB::kPackedResidual) parameters.plane_b_bytes = 8;
  const auto made = index::NoiseVersion(parameters, random);
  const auto parsed = index::ParseIndexVersion(index::SerializeIndexVersion(*made));
  Require(parsed.ok(), "the version of the segments parses");
  return *parsed;
}

const IndexVersion& PlainVersion() {
  static const auto version = VersionOf(index::PlaneB::kResidual);
  return *version;
}

const IndexVersion& PackedVersion() {
  static const auto version = VersionOf(index::PlaneB::kPackedResidual);
  return *version;
}

storage::SegmentIdentity IdentityOf(const IndexVersion& version) {
  return {Uuid{{1, 2, 3}}, version.hash};
}

void Take(std::string_view bytes, const IndexVersion& version) {
  MemoryFiles files;
  files.Put(kPath, bytes);
  const auto segment = storage::ReadSegmentFile(files, kPath, IdentityOf(version), version);
  if (!segment.ok()) return;
  Require(storage::WriteSegmentFile(files, kPath, IdentityOf(version), version, **segment).ok() &&
              storage::ReadSegmentFile(files, kPath, IdentityOf(version), version).ok(),
          "what was read can be written and read again");
  Require(files.Get(kPath).size() == bytes.size(), "a segment says only one thing");
}

std::string FileOf(const IndexVersion& version, uint32_t rows) {
  std::mt19937 random(rows);
  std::vector<ListSegment::CanonicalList> lists(version.lists());
  for (uint32_t row = 0; row < rows; ++row) {
    ListSegment::CanonicalList& list = lists[random() % version.lists()];
    list.rows.push_back(row);
    list.bias.push_back(static_cast<uint16_t>(random() % 60'000));
    for (uint32_t m = 0; m < version.subspaces(); ++m) list.plane_a.push_back(random() & 0xff);
    for (uint32_t b = 0; b < version.plane_b_bytes(); ++b) list.plane_b.push_back(random() & 0xff);
  }
  MemoryFiles files;
  const auto segment = ListSegment::FromCanonical(version, lists, {rows, rows + 3});
  Require(storage::WriteSegmentFile(files, kPath, IdentityOf(version), version, *segment).ok(),
          "a seed can be written");
  return files.Get(kPath);
}

}  // namespace

// The first byte: 1, the packed version; 2, the rest has no checksums.
std::vector<std::string> Seeds() {
  const std::string plain = FileOf(PlainVersion(), 70);
  const std::string packed = FileOf(PackedVersion(), 20);
  return {std::string(1, '\0') + plain, '\1' + packed, '\2' + std::string(HeaderAndBody(plain)),
          '\3' + std::string(HeaderAndBody(packed)),
          '\2' + std::string(HeaderAndBody(FileOf(PlainVersion(), 0)))};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  FuzzInput input(data, size);
  const uint8_t how = input.Byte();
  const auto& version = (how & 1) != 0 ? PackedVersion() : PlainVersion();
  const std::string_view rest = input.Rest();
  Take((how & 2) != 0 ? Framed(rest, kPath) : std::string(rest), version);
  return 0;
}
