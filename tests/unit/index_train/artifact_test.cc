#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "index/content_hash.h"
#include "index/index_version.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string SmallArtifact(PlaneB plane_b) {
  const IndexParameters parameters = {.dimension = 3,
                                      .metric = Metric::kL2,
                                      .element_type = ElementType::kU8,
                                      .lists = 4,
                                      .subspaces = 2,
                                      .plane_b = plane_b,
                                      .plane_b_bytes = 3,
                                      .seed = 77};
  const auto stored = Stored(ClusteredPoints(600, 3, 1), ElementType::kU8);
  const auto trained = Train(parameters, stored, 1);
  EXPECT_TRUE(trained.ok()) << trained.status().message();
  return SerializeIndexVersion(**trained);
}

// Overwrites a field and makes the hash right again: damage of the writer, not of the disk.
template <class T>
std::string Rewritten(std::string artifact, size_t offset, T value) {
  std::memcpy(artifact.data() + offset, &value, sizeof(T));
  artifact.resize(artifact.size() - sizeof(ContentHash));
  const ContentHash hash = HashContent(artifact);
  artifact.append(reinterpret_cast<const char*>(hash.data()), sizeof(hash));
  return artifact;
}

void ExpectDamaged(const std::string& artifact, const std::string& why) {
  const auto parsed = ParseIndexVersion(artifact);
  ASSERT_FALSE(parsed.ok()) << why;
  EXPECT_EQ(parsed.status().code(), Code::kDataLoss);
  EXPECT_THAT(parsed.status().message(), HasSubstr(why));
}

TEST(ArtifactTest, ComesBackWhole) {
  for (PlaneB plane_b : {PlaneB::kResidual, PlaneB::kRawU8}) {
    const std::string artifact = SmallArtifact(plane_b);
    const auto parsed = ParseIndexVersion(artifact);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    const IndexVersion& version = **parsed;
    EXPECT_EQ(version.parameters.dimension, 3u);
    EXPECT_EQ(version.parameters.lists, 4u);
    EXPECT_EQ(version.parameters.subspaces, 2u);
    EXPECT_EQ(version.parameters.metric, Metric::kL2);
    EXPECT_EQ(version.parameters.element_type, ElementType::kU8);
    EXPECT_EQ(version.parameters.plane_b, plane_b);
    EXPECT_EQ(version.parameters.seed, 77u);
    EXPECT_EQ(version.centroids.size(), 12u);
    EXPECT_EQ(version.codebooks.size(), 256u * 3);
    EXPECT_EQ(version.refine_min.size(), plane_b == PlaneB::kResidual ? 3u : 0u);
    EXPECT_EQ(version.subspace_begins, (std::vector<uint32_t>{0, 1, 3}));
    EXPECT_THAT(version.hash, MatchesRegex("[0-9a-f]{32}"));
    EXPECT_EQ(SerializeIndexVersion(version), artifact);
  }
}

// As docs/formats.md describes it: two dimensions, three lists, one sub-space, plane B of
// residuals.
std::string ArtifactByDescription() {
  std::string bytes;
  const auto add = [&](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  bytes += "KITHIDX\n";
  for (const uint32_t value : {3u, 2u, 3u, 1u}) add(value);  // format, dimension, lists, M
  for (const uint8_t value : {3, 2, 1, 0}) add(value);       // cosine, f16, residual
  add(uint32_t{2});                                          // bytes of plane B
  add(uint64_t{0x1122334455667788});                         // seed
  add(-2.5f);                                                // bias minimum and scale
  add(0.125f);
  for (const uint32_t begin : {0u, 2u}) add(begin);
  for (int i = 0; i < 6; ++i) add(static_cast<float>(i) - 3);        // centroids
  for (int i = 0; i < 512; ++i) add(static_cast<float>(i) * 0.25f);  // codebooks
  for (const float value : {-1.0f, -2.0f, 0.5f, 0.75f}) add(value);  // refine minimum, scale
  for (const uint64_t lane : HashContent(bytes)) add(lane);
  return bytes;
}

TEST(ArtifactTest, BytesWrittenByTheDescriptionOfTheFormatAreRead) {
  const std::string golden = ArtifactByDescription();
  const auto parsed = ParseIndexVersion(golden);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const IndexVersion& version = **parsed;
  EXPECT_EQ(version.hash, "b63df823454d3558d6ad219ec6347c89");
  EXPECT_EQ(version.parameters.metric, Metric::kCosine);
  EXPECT_EQ(version.parameters.element_type, ElementType::kF16);
  EXPECT_EQ(version.parameters.seed, 0x1122334455667788u);
  EXPECT_EQ(version.bias_min, -2.5f);
  EXPECT_EQ(version.bias_scale, 0.125f);
  EXPECT_EQ(version.subspace_begins, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(version.centroids, (std::vector<float>{-3, -2, -1, 0, 1, 2}));
  EXPECT_EQ(version.codebooks[511], 127.75f);
  EXPECT_EQ(version.refine_min, (std::vector<float>{-1, -2}));
  EXPECT_EQ(version.refine_scale, (std::vector<float>{0.5f, 0.75f}));
  EXPECT_EQ(SerializeIndexVersion(version), golden);
}

// Five dimensions in 3, 0, 8, 1 and 4 bits: with a correction, four bytes of plane B.
std::string PackedByDescription() {
  std::string bytes;
  const auto add = [&](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  bytes += "KITHIDX\n";
  for (const uint32_t value : {3u, 5u, 2u, 1u}) add(value);  // format, dimension, lists, M
  for (const uint8_t value : {1, 1, 3, 0}) add(value);       // l2, f32, packed residual
  add(uint32_t{4});                                          // bytes of plane B
  add(uint64_t{9});
  add(-2.5f);
  add(0.125f);
  for (const uint32_t begin : {0u, 5u}) add(begin);
  for (int i = 0; i < 10 + 1280; ++i) add(static_cast<float>(i));  // centroids, codebooks
  for (int i = 0; i < 10; ++i) add(0.5f + static_cast<float>(i));  // refine minimum, scale
  for (const float value : {-7.0f, 0.25f, 3.5f}) add(value);  // correction range, error at most
  for (const uint8_t bits : {3, 0, 8, 1, 4}) add(bits);
  for (const uint64_t lane : HashContent(bytes)) add(lane);
  return bytes;
}

TEST(ArtifactTest, APackedPlaneBIsReadAsTheFormatDescribesIt) {
  const std::string golden = PackedByDescription();
  const auto parsed = ParseIndexVersion(golden);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const IndexVersion& version = **parsed;
  EXPECT_EQ(version.parameters.plane_b, PlaneB::kPackedResidual);
  EXPECT_EQ(version.plane_b_bytes(), 4u);
  EXPECT_EQ(version.refine_bits, (std::vector<uint8_t>{3, 0, 8, 1, 4}));
  EXPECT_EQ(version.refine_min[4], 4.5f);
  EXPECT_EQ(version.refine_scale[0], 5.5f);
  EXPECT_EQ(version.correction_min, -7);
  EXPECT_EQ(version.correction_scale, 0.25f);
  EXPECT_EQ(version.coding_error_max, 3.5f);
  EXPECT_EQ(version.packed_layout.dimension(), 5u);
  EXPECT_EQ(SerializeIndexVersion(version), golden);
  for (size_t size = 0; size < golden.size(); ++size) {
    ASSERT_FALSE(ParseIndexVersion(std::string_view(golden).substr(0, size)).ok()) << size;
  }
}

TEST(ArtifactTest, SenselessPackedContentIsRefused) {
  const std::string artifact = PackedByDescription();
  const size_t bits = artifact.size() - sizeof(ContentHash) - 5;
  ExpectDamaged(Rewritten(artifact, bits + 1, uint8_t{1}), "bits of its dimensions do not fit");
  const std::string room = Rewritten(artifact, bits + 4, uint8_t{0});
  ExpectDamaged(Rewritten(room, bits + 2, uint8_t{9}), "bits of its dimensions do not fit");
  ExpectDamaged(Rewritten(artifact, bits - 4, 0.0f), "ranges are empty");
  ExpectDamaged(Rewritten(artifact, bits - 8, 0.0f), "ranges are empty");
  ExpectDamaged(Rewritten(artifact, bits - 12, std::nanf("")), "not finite");
  ExpectDamaged(Rewritten(artifact, 28, 3u), "plane_b_bytes is 3");
  ExpectDamaged(Rewritten(artifact, 28, 5u), "plane_b_bytes is 5");
}

TEST(ArtifactTest, EveryFlippedByteIsNoticed) {
  std::string artifact = SmallArtifact(PlaneB::kResidual);
  for (size_t i = 0; i < artifact.size(); ++i) {
    for (int flip : {0x01, 0x80, 0xff}) {
      artifact[i] ^= static_cast<char>(flip);
      const auto parsed = ParseIndexVersion(artifact);
      ASSERT_FALSE(parsed.ok()) << "byte " << i;
      ASSERT_EQ(parsed.status().code(), Code::kDataLoss);
      artifact[i] ^= static_cast<char>(flip);
    }
  }
  EXPECT_TRUE(ParseIndexVersion(artifact).ok());
}

TEST(ArtifactTest, EveryCutAndEveryAdditionIsNoticed) {
  const std::string artifact = SmallArtifact(PlaneB::kResidual);
  for (size_t size = 0; size < artifact.size(); ++size) {
    ASSERT_FALSE(ParseIndexVersion(std::string_view(artifact).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(ParseIndexVersion(artifact + '\0').ok());
}

TEST(ArtifactTest, LyingSizesAreRefusedBeforeAnythingIsAllocated) {
  const std::string artifact = SmallArtifact(PlaneB::kResidual);
  // The largest sizes an index can have: 17 GB of centroids, were they believed.
  const std::string wide = Rewritten(Rewritten(artifact, 12, 4096u), 28, 4096u);
  ExpectDamaged(Rewritten(wide, 16, 1u << 20), "its header promises");
  ExpectDamaged(Rewritten(artifact, 12, 0xffffffffu), "dimension is 4294967295");
  ExpectDamaged(Rewritten(artifact, 16, 0u), "lists is 0");
  ExpectDamaged(Rewritten(artifact, 20, 4u), "subspaces is 4");
}

TEST(ArtifactTest, SenselessContentIsRefusedAlthoughItsHashIsRight) {
  const std::string artifact = SmallArtifact(PlaneB::kResidual);
  ExpectDamaged(Rewritten(artifact, 8, 1u), "its format is 1");
  ExpectDamaged(Rewritten(artifact, 24, uint8_t{9}), "metric is unknown");
  ExpectDamaged(Rewritten(artifact, 25, uint8_t{9}), "element_type is unknown");
  ExpectDamaged(Rewritten(artifact, 26, uint8_t{9}), "plane_b is unknown");
  ExpectDamaged(Rewritten(artifact, 27, uint8_t{1}), "reserved byte");
  ExpectDamaged(Rewritten(artifact, 28, 2u), "plane_b_bytes is 2");
  ExpectDamaged(Rewritten(artifact, 44, 0.0f), "ranges are empty");
  ExpectDamaged(Rewritten(artifact, 52, 3u), "sub-spaces");
  ExpectDamaged(Rewritten(artifact, 56, 4u), "sub-spaces");
  const float nan = std::nanf("");
  ExpectDamaged(Rewritten(artifact, 40, nan), "not finite");
  ExpectDamaged(Rewritten(artifact, 60, nan), "not finite");
  EXPECT_TRUE(ParseIndexVersion(Rewritten(artifact, 60, 0.5f)).ok());
}

}  // namespace
}  // namespace kith::index
