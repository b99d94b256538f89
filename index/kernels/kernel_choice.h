#ifndef KITH_INDEX_KERNELS_KERNEL_CHOICE_H_
#define KITH_INDEX_KERNELS_KERNEL_CHOICE_H_

#include <string>

namespace kith::index {

// Empty when KITH_KERNELS is unset or names a table that this machine can run; otherwise one
// sentence that says what is wrong and what may be chosen. A main refuses to start with it.
std::string CheckKernelChoice();

}  // namespace kith::index

#endif  // KITH_INDEX_KERNELS_KERNEL_CHOICE_H_
