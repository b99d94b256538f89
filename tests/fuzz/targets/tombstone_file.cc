// Files of dead rows: as they are, and with their checksums made right.
#include "shard/storage/segment_file.h"
#include "tests/fuzz/frame_bytes.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/memory_files.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

using index::Tombstones;

const char kPath[] = "seg/000002.dead";

void Take(std::string_view bytes) {
  MemoryFiles files;
  files.Put(kPath, bytes);
  const auto tombstones = storage::ReadTombstoneFile(files, kPath);
  if (!tombstones.ok()) return;
  Require(storage::WriteTombstoneFile(files, kPath, *tombstones).ok(), "what was read is written");
  const auto again = storage::ReadTombstoneFile(files, kPath);
  Require(again.ok() && again->dead_rows() == tombstones->dead_rows() &&
              again->PagesChangedSince(*tombstones).size() <= again->page_count(),
          "and comes back as it was");
  uint64_t dead = 0;
  for (uint32_t number = 0; number < again->page_count(); ++number) {
    const uint64_t begin = uint64_t{number} << Tombstones::kPageBits;
    if (again->page(number) == nullptr) continue;
    for (uint64_t row = begin; row < begin + Tombstones::kPageRows; ++row) {
      dead += again->IsDead(static_cast<uint32_t>(row)) ? 1 : 0;
    }
    if (dead > 1'000'000) return;
  }
  Require(dead == again->dead_rows(), "as many rows are dead as are counted");
}

std::string FileOf(const Tombstones& tombstones) {
  MemoryFiles files;
  Require(storage::WriteTombstoneFile(files, kPath, tombstones).ok(), "a seed can be written");
  return files.Get(kPath);
}

}  // namespace

// The first byte: 1, the rest has no checksums.
std::vector<std::string> Seeds() {
  const uint32_t rows[] = {0, 1, 63, 64, 5000, 9000};
  const std::string some = FileOf(Tombstones().With(rows));
  const std::string ranges = FileOf(Tombstones().WithRange(4096, 20'000).With(rows));
  return {std::string(1, '\0') + some, '\1' + std::string(HeaderAndBody(some)),
          '\1' + std::string(HeaderAndBody(ranges)),
          '\1' + std::string(HeaderAndBody(FileOf(Tombstones())))};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  FuzzInput input(data, size);
  const bool framed = (input.Byte() & 1) != 0;
  const std::string_view rest = input.Rest();
  Take(framed ? Framed(rest, kPath) : std::string(rest));
  return 0;
}
