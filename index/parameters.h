#ifndef KITH_INDEX_PARAMETERS_H_
#define KITH_INDEX_PARAMETERS_H_

#include <cstdint>
#include <string>

#include "index/index_version.h"

namespace kith::index {

constexpr uint32_t kMaxDimension = 4096;
constexpr uint32_t kMaxLists = 1u << 20;
constexpr uint32_t kMaxSubspaces = 64;
// Of a row of packed plane B: two hold a correction, and fewer than two more say nothing.
constexpr uint32_t kMinPackedBytes = 4;

// Empty where an index can have these parameters, else one sentence naming the field, what it is
// and what it may be.
std::string ParameterFault(const IndexParameters& parameters);

}  // namespace kith::index

#endif  // KITH_INDEX_PARAMETERS_H_
