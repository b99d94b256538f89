#include "index/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "index/kmeans.h"
#include "index/plan.h"
#include "tests/support/named_kernels.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

using ::testing::HasSubstr;

IndexParameters Parameters() {
  return {.dimension = 20,
          .metric = Metric::kL2,
          .element_type = ElementType::kF32,
          .lists = 32,
          .subspaces = 6,
          .plane_b = PlaneB::kResidual,
          .plane_b_bytes = 20,
          .seed = 11};
}

std::vector<std::byte> StoredPoints(size_t count) {
  return Stored(ClusteredPoints(count, 20, 12), ElementType::kF32);
}

TEST(TrainTest, GivesTheSameBytesForAnyNumberOfThreads) {
  const auto stored = StoredPoints(3000);
  const auto alone = Train(Parameters(), stored, 1);
  ASSERT_TRUE(alone.ok()) << alone.status().message();
  for (int threads : {2, 3, 7}) {
    const auto shared = Train(Parameters(), stored, threads);
    ASSERT_TRUE(shared.ok());
    EXPECT_EQ((*shared)->hash, (*alone)->hash) << threads;
    EXPECT_EQ(SerializeIndexVersion(**shared), SerializeIndexVersion(**alone));
  }
}

// The figure is the same under every kernel table, on every machine: CMakeLists.txt runs this under
// each. It changes where the algorithm does; versions trained before stay valid.
TEST(TrainTest, GivesTheBytesWrittenDownHere) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  const auto trained = Train(Parameters(), StoredPoints(3000), 2);
  ASSERT_TRUE(trained.ok());
  EXPECT_EQ((*trained)->hash, "805f1dcc4fc65135643a0ba50c4814db");
}

// So many lists that points are compared with their centroid's neighbours only.
TEST(TrainTest, ManyListsGiveTheBytesWrittenDownHere) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  IndexParameters parameters = Parameters();
  parameters.lists = 600;
  const auto trained = Train(parameters, StoredPoints(3000), 2);
  ASSERT_TRUE(trained.ok());
  EXPECT_EQ((*trained)->hash, "f84174c6dd0c0a97601c37bfcd2b94d5");
}

TEST(TrainTest, BytesUnderCosineGiveTheBytesWrittenDownHere) {
  KITH_RUN_UNDER_NAMED_KERNELS();
  IndexParameters parameters = Parameters();
  parameters.metric = Metric::kCosine;
  parameters.element_type = ElementType::kU8;
  const auto trained =
      Train(parameters, Stored(ClusteredPoints(3000, 20, 12), ElementType::kU8), 2);
  ASSERT_TRUE(trained.ok());
  EXPECT_EQ((*trained)->hash, "294959df30ce524fe2bde2d201eeff41");
}

TEST(TrainTest, FollowsTheSeed) {
  const auto stored = StoredPoints(1000);
  IndexParameters other = Parameters();
  other.seed = 12;
  EXPECT_NE((*Train(Parameters(), stored, 1))->centroids, (*Train(other, stored, 1))->centroids);
}

TEST(TrainTest, SubspacesDifferByOneDimensionAtMost) {
  const auto version = *Train(Parameters(), StoredPoints(1000), 1);
  EXPECT_EQ(version->subspace_begins, (std::vector<uint32_t>{0, 3, 6, 10, 13, 16, 20}));
}

TEST(TrainTest, ProgressRisesToOneOnTheCallersThread) {
  const auto stored = StoredPoints(2000);
  const auto caller = std::this_thread::get_id();
  std::vector<double> steps;
  TrainingControl control;
  control.threads = 3;
  control.progress = [&](double step) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    steps.push_back(step);
  };
  ASSERT_TRUE(TrainIndexVersion(Parameters(), {stored.data(), 2000}, control).ok());
  ASSERT_GT(steps.size(), 10u);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_GE(steps.front(), 0);
  EXPECT_EQ(steps.back(), 1);
}

TEST(TrainTest, StopsAtTheFirstYesToCancelled) {
  const auto stored = StoredPoints(3000);
  int asks = 0;
  TrainingControl control;
  control.threads = 2;
  control.cancelled = [&] { return ++asks < 0; };
  ASSERT_TRUE(TrainIndexVersion(Parameters(), {stored.data(), 3000}, control).ok());
  const int asks_of_all = asks;
  for (int asked : {1, 2, asks_of_all / 3, asks_of_all / 2}) {
    asks = 0;
    double reached = 0;
    control.cancelled = [&] { return ++asks >= asked; };
    control.progress = [&](double step) { reached = step; };
    const auto trained = TrainIndexVersion(Parameters(), {stored.data(), 3000}, control);
    ASSERT_FALSE(trained.ok());
    EXPECT_EQ(trained.status().code(), Code::kCancelled);
    EXPECT_EQ(asks, asked);
    EXPECT_LT(reached, 1);
  }
}

// Of the calling thread's own time, which other work on the machine does not lengthen.
double ThreadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(TrainTest, AsksSeveralTimesASecondWhetherItIsCancelled) {
  const auto stored = Stored(ClusteredPoints(3000, 256, 1), ElementType::kF32);
  IndexParameters parameters = Parameters();
  parameters.dimension = 256;
  parameters.plane_b_bytes = 256;
  parameters.lists = 1024;
  double last = ThreadSeconds();
  double longest = 0;
  TrainingControl control;
  control.cancelled = [&] {
    const double now = ThreadSeconds();
    longest = std::max(longest, now - last);
    last = now;
    return false;
  };
  ASSERT_TRUE(TrainIndexVersion(parameters, {stored.data(), 3000}, control).ok());
  EXPECT_LT(longest, 0.5);
}

TEST(TrainTest, TooFewPointsAreNamedWithTheNumberNeeded) {
  const auto few = Train(Parameters(), StoredPoints(255), 1);
  ASSERT_FALSE(few.ok());
  EXPECT_EQ(few.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(few.status().reason(), "TOO_FEW_POINTS");
  EXPECT_THAT(few.status().message(), HasSubstr("needs 256 points, there are 255"));

  IndexParameters parameters = Parameters();
  parameters.lists = 301;
  EXPECT_EQ(Train(parameters, StoredPoints(300), 1).status().reason(), "TOO_FEW_POINTS");
  EXPECT_TRUE(Train(parameters, StoredPoints(301), 1).ok());
  EXPECT_EQ(TrainIndexVersion(parameters, {}, {}).status().reason(), "TOO_FEW_POINTS");
}

TEST(TrainTest, EqualPointsAreRefused) {
  const auto trained =
      Train(Parameters(), Stored(std::vector<float>(5000 * 20, 0.5f), ElementType::kF32), 2);
  ASSERT_FALSE(trained.ok());
  EXPECT_EQ(trained.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(trained.status().reason(), "DEGENERATE_POINTS");
  EXPECT_THAT(trained.status().message(), HasSubstr("there are 1"));
}

TEST(TrainTest, DistinctPointsAreCountedOneByOne) {
  std::vector<float> points = ClusteredPoints(255, 20, 1);
  for (int copy = 0; copy < 3; ++copy)
    points.insert(points.end(), points.begin(), points.begin() + 255 * 20);
  const auto trained = Train(Parameters(), Stored(points, ElementType::kF32), 1);
  EXPECT_EQ(trained.status().reason(), "DEGENERATE_POINTS");
  EXPECT_THAT(trained.status().message(), HasSubstr("there are 255"));
  points.back() += 0.125f;
  EXPECT_TRUE(Train(Parameters(), Stored(points, ElementType::kF32), 1).ok());
}

TEST(TrainTest, ScaledCopiesAreOnePointUnderCosine) {
  IndexParameters parameters = Parameters();
  parameters.metric = Metric::kCosine;
  std::vector<float> points;
  const auto direction = ClusteredPoints(1, 20, 1);
  for (int i = 0; i < 600; ++i) {
    // Powers of two normalise to the same bits.
    for (float value : direction) points.push_back(value * static_cast<float>(1 << i % 20));
  }
  EXPECT_EQ(Train(parameters, Stored(points, ElementType::kF32), 1).status().reason(),
            "DEGENERATE_POINTS");
}

TEST(TrainTest, AsManyListsAsPointsIsTheLimitAndWorks) {
  IndexParameters parameters = Parameters();
  parameters.lists = 400;
  const auto trained = Train(parameters, StoredPoints(400), 2);
  ASSERT_TRUE(trained.ok()) << trained.status().message();
  const std::vector<float>& centroids = (*trained)->centroids;
  const RowSource rows = {400, 20,
                          [&](size_t i, float* out) { std::copy_n(&centroids[i * 20], 20, out); }};
  EXPECT_EQ(DistinctRows(rows, 400).size(), 400u);
}

TEST(TrainTest, ADimensionThatNeverVariesIsNoObstacle) {
  std::vector<float> points = ClusteredPoints(1000, 20, 1);
  for (size_t i = 0; i < points.size(); i += 20) points[i] = points[i + 1] = points[i + 2] = 0;
  const auto trained = Train(Parameters(), Stored(points, ElementType::kF32), 1);
  ASSERT_TRUE(trained.ok());
  for (float scale : (*trained)->refine_scale) EXPECT_GT(scale, 0);
}

TEST(TrainTest, ParametersOutOfRangeAreNamed) {
  const auto stored = StoredPoints(1000);
  const auto message = [&](auto change) {
    IndexParameters parameters = Parameters();
    change(parameters);
    const auto trained = TrainIndexVersion(parameters, {stored.data(), 1000}, {});
    EXPECT_EQ(trained.status().code(), Code::kInvalidArgument);
    return trained.status().message();
  };
  EXPECT_THAT(message([](auto& p) { p.dimension = 0; }), HasSubstr("dimension is 0"));
  EXPECT_THAT(message([](auto& p) { p.dimension = 4097; }), HasSubstr("1 to 4096"));
  EXPECT_THAT(message([](auto& p) { p.lists = 0; }), HasSubstr("lists is 0"));
  EXPECT_THAT(message([](auto& p) { p.subspaces = 21; }), HasSubstr("1 to 20"));
  EXPECT_THAT(message([](auto& p) { p.plane_b = PlaneB::kRawU8; }), HasSubstr("raw_u8"));
  EXPECT_THAT(message([](auto& p) { p.plane_b_bytes = 19; }),
              HasSubstr("plane_b_bytes is 19: it must be the dimension, 20"));
  const auto packed = [&](uint32_t bytes) {
    return message([bytes](auto& p) {
      p.plane_b = PlaneB::kPackedResidual;
      p.plane_b_bytes = bytes;
    });
  };
  for (const uint32_t bytes : {0u, 3u, 20u, 21u}) {
    EXPECT_THAT(packed(bytes), HasSubstr("plane_b_bytes is " + std::to_string(bytes)));
    EXPECT_THAT(packed(bytes), HasSubstr("4 or more and below the dimension, 20"));
  }
  EXPECT_THAT(message([](auto& p) { p.metric = Metric{0}; }), HasSubstr("metric"));
}

}  // namespace
}  // namespace kith::index
