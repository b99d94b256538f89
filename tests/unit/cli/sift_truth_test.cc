#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "cli/data/neighbour_file.h"
#include "cli/data/vector_reader.h"
#include "cli/dataset/exact_neighbours.h"

namespace kith::cli {
namespace {

// Against the published truth of a million SIFT descriptors: KITH_SIFT1M=FOLDER/sift1m, where
// sift1m.base.u8bin, sift1m.query.u8bin and sift1m.gt.ibin lie. Labelled long: no run needs it.
TEST(SiftTruth, AgreesWithThePublishedNeighbours) {
  const char* given = std::getenv("KITH_SIFT1M");
  if (given == nullptr) GTEST_SKIP() << "KITH_SIFT1M is not set";
  const std::string folder = given;
  auto base = OpenVectorFile(folder + ".base.u8bin", 0);
  auto queries = LoadVectors(folder + ".query.u8bin", 24);
  auto published = ReadNeighbours(folder + ".gt.ibin");
  ASSERT_TRUE(base.ok() && queries.ok() && published.ok());
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  auto truth = ExactNeighbours(**base, *queries, {100, Metric::kL2, 2}, terminal);
  ASSERT_TRUE(truth.ok()) << truth.status();
  // Distances are whole numbers and tie; within a tie the published order may be another.
  auto all = LoadVectors(folder + ".base.u8bin", 1'000'000);
  ASSERT_TRUE(all.ok());
  for (uint32_t q = 0; q < 24; ++q) {
    const auto* query = reinterpret_cast<const uint8_t*>(queries->Row(q));
    for (uint32_t rank = 0; rank < 100; ++rank) {
      const auto* row = reinterpret_cast<const uint8_t*>(all->Row(published->Ids(q)[rank]));
      int sum = 0;
      for (int j = 0; j < 128; ++j) sum += (query[j] - row[j]) * (query[j] - row[j]);
      ASSERT_EQ(truth->scores[q * 100 + rank], static_cast<float>(sum)) << q << " " << rank;
    }
  }
}

}  // namespace
}  // namespace kith::cli
