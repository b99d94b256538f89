#ifndef KITH_TESTS_FUZZ_WALKED_FILTER_H_
#define KITH_TESTS_FUZZ_WALKED_FILTER_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/payload/filter.h"
#include "common/payload/payload_schema.h"
#include "common/vector/point_key.h"

namespace kith::fuzz {

// What a filter means, said in the plainest way: asked of one point after another.
struct WalkedPoint {
  PointKey key;
  std::set<std::string> tags;
  std::optional<int64_t> year;
  std::optional<double> price;
  std::optional<bool> is_new;
};

extern const PayloadSchema kWalkedSchema;  // tags, year, price, new

// Of a filter that CheckFilter took.
bool Passes(const Filter& filter, const WalkedPoint& point);

// One of each kind of condition, and some of them together.
std::vector<Filter> WalkedFilters();

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_WALKED_FILTER_H_
