#include "index/kernels/kernel_choice.h"

#include <cstdlib>
#include <string_view>

#include "index/kernels/kernel_table.h"
#include "index/kernels/kernels_isa.h"

namespace kith::index {
namespace {

constexpr char kVariable[] = "KITH_KERNELS";

bool MachineHasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

const KernelTable& ChooseKernels() {
  const char* name = std::getenv(kVariable);
  const KernelTable* named = name == nullptr ? nullptr : FindKernels(name);
  if (named != nullptr) return *named;
  const KernelTable* avx2 = FindKernels("avx2");
  return avx2 != nullptr ? *avx2 : PortableKernels();
}

}  // namespace

const KernelTable& PortableKernels() { return *PortableKernelTable(); }

const KernelTable* FindKernels(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "portable" || wanted == "scalar") return PortableKernelTable();
  if (wanted == "avx2" && MachineHasAvx2()) return Avx2KernelTable();
  return nullptr;
}

const KernelTable& ActiveKernels() {
  static const KernelTable& chosen = ChooseKernels();
  return chosen;
}

std::string CheckKernelChoice() {
  const char* name = std::getenv(kVariable);
  if (name == nullptr || FindKernels(name) != nullptr) return {};
  std::string message = std::string(kVariable) + "=" + name + " names no kernels of this machine; ";
  message += "unset it or choose portable";
  if (FindKernels("avx2") != nullptr) message += " or avx2";
  return message;
}

}  // namespace kith::index
