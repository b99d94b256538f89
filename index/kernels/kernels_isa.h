#ifndef KITH_INDEX_KERNELS_KERNELS_ISA_H_
#define KITH_INDEX_KERNELS_KERNELS_ISA_H_

#include "index/kernels/kernel_table.h"

namespace kith::index {

const KernelTable* PortableKernelTable();
// These are nullptr in a build for another processor family. The caller checks the machine.
const KernelTable* Avx2KernelTable();
const KernelTable* Avx512KernelTable();

}  // namespace kith::index

#endif  // KITH_INDEX_KERNELS_KERNELS_ISA_H_
