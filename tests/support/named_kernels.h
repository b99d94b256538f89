#ifndef KITH_TESTS_SUPPORT_NAMED_KERNELS_H_
#define KITH_TESTS_SUPPORT_NAMED_KERNELS_H_

#include <gtest/gtest.h>

#include <cstdlib>

#include "index/kernels/kernel_table.h"

namespace kith::testing {

// CMakeLists.txt runs some tests once under each name of KITH_KERNELS. A name that this machine
// lacks would be ignored, and the test would prove nothing about it: false, to be skipped.
inline bool MachineHasNamedKernels() {
  const char* name = std::getenv("KITH_KERNELS");
  return name == nullptr || index::FindKernels(name) != nullptr;
}

inline void ExpectNamedKernels() {
  const char* name = std::getenv("KITH_KERNELS");
  if (name != nullptr) {
    EXPECT_EQ(&index::ActiveKernels(), index::FindKernels(name)) << name;
  }
}

}  // namespace kith::testing

// At the start of a test whose figures must be the same under every table.
#define KITH_RUN_UNDER_NAMED_KERNELS()                                        \
  if (!::kith::testing::MachineHasNamedKernels()) GTEST_SKIP() << "not here"; \
  ::kith::testing::ExpectNamedKernels()

#endif  // KITH_TESTS_SUPPORT_NAMED_KERNELS_H_
