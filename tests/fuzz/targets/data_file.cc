// Files that `kith` reads: vectors in every format, ids, true neighbours. The first byte names the
// format.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>

#include "cli/data/element_conversion.h"
#include "cli/data/ids_file.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/npy_header.h"
#include "cli/data/vector_reader.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/scratch_file.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

constexpr std::array kEndings = {"fbin",  "u8bin", "i8bin", "f16bin", "fvecs", "bvecs",
                                 "ivecs", "npy",   "jsonl", "ids",    "ibin",  "truth"};
constexpr uint32_t kTextDimension = 3;

// Every row once, in batches of a few; then again from the middle.
void ReadVectors(const std::string& path) {
  const auto opened = cli::OpenVectorFile(path, kTextDimension);
  if (!opened.ok()) return;
  cli::VectorReader& reader = **opened;
  const cli::FileShape shape = reader.shape();
  Require(shape.dimension != 0 && shape.row_bytes() <= shape.bytes * 4 + 4 * kTextDimension,
          "a row is no longer than its file");
  uint64_t rows = 0;
  cli::RowBatch batch;
  cli::FilePosition middle;
  std::string converted;
  do {
    if (!reader.Next({3}, batch).ok()) break;
    Require(batch.vectors.size() == batch.rows() * shape.row_bytes(), "a batch has whole rows");
    Require(batch.keys.empty() || batch.keys.size() == batch.rows(), "a row has one key");
    for (size_t i = 0; i < batch.rows(); ++i) {
      const std::span row(batch.vectors.data() + i * shape.row_bytes(), shape.row_bytes());
      for (const ElementType type : {ElementType::kF32, ElementType::kF16, ElementType::kU8}) {
        converted.clear();
        (void)cli::AppendConverted(row, shape.element_type,
                                   {type, Metric::kCosine, shape.dimension}, converted);
      }
    }
    rows += batch.rows();
    if (middle == cli::FilePosition{}) middle = batch.end;
  } while (!batch.at_end());
  Require(!shape.rows.has_value() || rows <= *shape.rows, "no more rows than the file has");
  Require(reader.Seek(middle).ok(), "an earlier end is a place to go on from");
  (void)reader.Next({2}, batch);
}

void ReadIds(const std::string& path) {
  const auto ids = cli::IdsFile::Open(path);
  if (!ids.ok()) return;
  std::vector<PointKey> keys;
  const uint64_t count = std::min<uint64_t>(ids->rows(), 5);
  if (ids->Read(ids->rows() - count, count, keys).ok()) {
    Require(keys.size() == count, "an id a row");
  }
}

void ReadTruth(const std::string& path) {
  const auto table = cli::ReadNeighbours(path);
  if (!table.ok()) return;
  Require(table->ids.size() == size_t{table->queries} * table->depth, "a truth is whole");
  (void)table->Ids(table->queries - 1);
}

void Take(const std::string& ending, std::string_view bytes) {
  static std::map<std::string, std::unique_ptr<ScratchFile>> files;
  auto& file = files[ending];
  const std::string name = ending == "ids"     ? "ids.npy"
                           : ending == "truth" ? "t.ivecs"
                                               : "a." + ending;
  if (file == nullptr) file = std::make_unique<ScratchFile>(name);
  file->Write(bytes);
  if (ending == "ids") return ReadIds(file->path());
  if (ending == "ibin" || ending == "truth") return ReadTruth(file->path());
  ReadVectors(file->path());
  (void)cli::LoadVectors(file->path(), 10);
}

template <typename T>
std::string Raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string Named(const char* ending, const std::string& bytes) {
  const auto place = std::find(kEndings.begin(), kEndings.end(), std::string_view(ending));
  return static_cast<char>(place - kEndings.begin()) + bytes;
}

std::vector<std::string> BinarySeeds() {
  const std::string header = Raw<uint32_t>({2, 3});
  const std::string floats = Raw<float>({1, 2, 3, -4, 0.5f, 6});
  const std::string record = Raw<int32_t>({3}) + Raw<float>({1, 2, 3});
  return {Named("fbin", header + floats),
          Named("u8bin", header + "abcdef"),
          Named("i8bin", header + "\xff\x7f\x80zyx"),
          Named("f16bin", header + Raw<uint16_t>({0x3c00, 0, 0x7bff, 0xfc00, 1, 0x7e00})),
          Named("fvecs", record + record),
          Named("bvecs", Raw<int32_t>({3}) + "abc" + Raw<int32_t>({3}) + "xyz"),
          Named("ivecs", Raw<int32_t>({2, 7, -9, 2, 1 << 25, 3})),
          Named("ibin", Raw<uint32_t>({2, 2, 0, 1, 1, 0})),
          Named("ibin", Raw<uint32_t>({1, 2, 0, 1}) + Raw<float>({0, 1})),
          Named("truth", Raw<int32_t>({2, 0, 1, 2, 1, 0}))};
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = BinarySeeds();
  for (const char* descr : {"<f4", "<f8", "<i8", "|i1"}) {
    const size_t width = descr[2] == '4' ? 4 : descr[2] == '8' ? 8 : 1;
    seeds.push_back(Named("npy", cli::NpyHeaderText(descr, 2, 3) + std::string(6 * width, '\1')));
  }
  seeds.push_back(Named("ids", cli::NpyHeaderText("<u8", 2, 0) + Raw<uint64_t>({1, ~0ull})));
  seeds.push_back(Named("ids", cli::NpyHeaderText("|S36", 2, 0) +
                                   "00112233-4455-6677-8899-aabbccddeeff18446744073709551615" +
                                   std::string(16, '\0')));
  seeds.push_back(Named(
      "jsonl",
      "{\"id\": 42, \"vector\": [1, 2.5, -3e2], \"payload\": {\"a\": [null, \"\\u00e9\"]}}\n\n"
      "{\"id\": \"00112233-4455-6677-8899-aabbccddeeff\", \"vector\": [1,2,3], "
      "\"payload_base64\": \"aGk=\"}\n{\"id\": -1}\r\n[]\n"));
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  FuzzInput input(data, size);
  const size_t ending = input.Byte() % kEndings.size();
  Take(kEndings[ending], input.Rest());
  return 0;
}
