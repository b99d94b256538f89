#include "tests/damage/sample_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kith::test {
namespace {

constexpr uint64_t kQuerySeed = 1'000'000'000;
constexpr uint64_t kCentres = 12;
constexpr size_t kLongPayload = 60'000;
constexpr const char* kColors[] = {"red", "green", "blue", "grey", "black"};

// SplitMix64, one step from `state`.
uint64_t Mix(uint64_t state) {
  state += 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

// From 0 to 1.
double Share(uint64_t seed, uint64_t index) {
  return static_cast<double>(Mix(Mix(seed) ^ index) >> 11) / 9007199254740992.0;
}

std::string_view ColorOf(uint64_t id, uint32_t revision) { return kColors[(id + revision) % 5]; }
int64_t YearOf(uint64_t id) { return 1980 + static_cast<int64_t>(id * 7 % 40); }
bool HasSize(uint64_t id) { return id % 3 != 0; }
bool IsFresh(uint64_t id, uint32_t revision) { return (id / 2 + revision) % 2 == 0; }

std::vector<float> Around(const SampleCollection& collection, uint64_t centre, uint64_t seed) {
  const bool is_bytes = collection.element_type == v1::ELEMENT_TYPE_U8;
  std::vector<float> vector(collection.dimension);
  for (uint32_t i = 0; i < collection.dimension; ++i) {
    const double middle = Share(collection.number * 1000 + centre, i);
    const double value = 0.75 * middle + 0.25 * Share(seed, i);
    vector[i] =
        is_bytes ? static_cast<float>(std::floor(value * 255)) : static_cast<float>(2 * value - 1);
  }
  return vector;
}

}  // namespace

std::vector<SampleCollection> SampleCollections(uint64_t size) {
  return {
      {"bytes", 1, 16, v1::METRIC_L2, v1::ELEMENT_TYPE_U8, 1, size, true, true},
      {"floats", 2, 24, v1::METRIC_COSINE, v1::ELEMENT_TYPE_F32, 2,
       std::max<uint64_t>(size * 2 / 3, 280), true, true},
      {"plain", 3, 8, v1::METRIC_INNER_PRODUCT, v1::ELEMENT_TYPE_F32, 1, size / 2, false, false}};
}

uint64_t SampleEnd(const SampleCollection& collection) {
  return collection.points + collection.points / 10;
}

bool IsDeletedIn(const SampleCollection& collection, uint64_t id, SampleStage stage) {
  if (stage == SampleStage::kFirst) return id < collection.points && id % 17 == 3;
  return id % 23 == 11;
}

bool IsSampled(const SampleCollection& collection, uint64_t id) {
  return id < SampleEnd(collection) && !IsDeletedIn(collection, id, SampleStage::kFirst) &&
         !IsDeletedIn(collection, id, SampleStage::kSecond);
}

bool IsRewrittenIn(const SampleCollection& collection, uint64_t id, SampleStage stage) {
  if (id >= collection.points) return false;
  if (stage == SampleStage::kFirst) return id % 13 == 5;
  return id % 19 == 7 && !IsDeletedIn(collection, id, SampleStage::kFirst);
}

uint32_t SampleRevision(const SampleCollection& collection, uint64_t id, SampleStage stage) {
  if (stage == SampleStage::kSecond && IsRewrittenIn(collection, id, stage)) return 2;
  return IsRewrittenIn(collection, id, SampleStage::kFirst) ? 1 : 0;
}

std::vector<float> SampleVector(const SampleCollection& collection, uint64_t id,
                                uint32_t revision) {
  const uint64_t seed = Mix(collection.number) ^ (id * 4 + revision);
  return Around(collection, (id + revision) % kCentres, seed);
}

std::vector<float> SampleQuery(const SampleCollection& collection, uint64_t number) {
  return Around(collection, number * 5 % kCentres, kQuerySeed + number);
}

std::string SamplePayload(const SampleCollection& collection, uint64_t id, uint32_t revision) {
  if (!collection.has_fields) {
    std::string payload = fmt::format("payload of {} as of {}", id, revision);
    // Those of the second stage fill the log's buffer, so that it has files, too.
    if (id >= collection.points || revision == 2) payload.resize(kLongPayload, '.');
    return payload;
  }
  std::string size;
  if (HasSize(id)) size = fmt::format(",\"size\":{}.25", id % 100);
  return fmt::format(R"({{"color":"{}","year":{}{},"fresh":{}}})", ColorOf(id, revision),
                     YearOf(id), size, IsFresh(id, revision));
}

std::string VectorBytes(const SampleCollection& collection, const std::vector<float>& vector) {
  if (collection.element_type != v1::ELEMENT_TYPE_U8) {
    return {reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)};
  }
  std::string bytes;
  for (const float value : vector) bytes.push_back(static_cast<char>(static_cast<uint8_t>(value)));
  return bytes;
}

v1::Filter SampleFilter(uint64_t number) {
  v1::Filter filter;
  switch (number % 4) {
    case 0:
      filter.mutable_match()->set_field("color");
      filter.mutable_match()->mutable_value()->set_keyword(kColors[number / 4 % 5]);
      break;
    case 1:
      filter.mutable_range()->set_field("year");
      filter.mutable_range()->mutable_gte()->set_integer(1990);
      filter.mutable_range()->mutable_lt()->set_integer(2000);
      break;
    case 2:
      filter.mutable_exists()->set_field("size");
      break;
    default: {
      v1::MatchCondition& match = *filter.mutable_none_of()->add_filters()->mutable_match();
      match.set_field("fresh");
      match.mutable_value()->set_boolean(true);
    }
  }
  return filter;
}

bool PassesSampleFilter(uint64_t number, uint64_t id, uint32_t revision) {
  switch (number % 4) {
    case 0:
      return ColorOf(id, revision) == kColors[number / 4 % 5];
    case 1:
      return YearOf(id) >= 1990 && YearOf(id) < 2000;
    case 2:
      return HasSize(id);
    default:
      return !IsFresh(id, revision);
  }
}

}  // namespace kith::test
