#include "index/kernels/kernel_choice.h"

#include <cstdlib>
#include <string_view>

#include "index/kernels/kernel_table.h"
#include "index/kernels/kernels_isa.h"

namespace kith::index {
namespace {

constexpr char kVariable[] = "KITH_KERNELS";

bool MachineHasAvx2() {
#if defined(__x86_64__) && defined(__clang__)
  // clang 16 has no name for f16c, which came a generation before.
  return __builtin_cpu_supports("avx2");
#elif defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

// What Intel calls Ice Lake and AMD Zen 4, and what came later.
bool MachineHasAvx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2");
#else
  return false;
#endif
}

const KernelTable& ChooseKernels() {
  const char* name = std::getenv(kVariable);
  const KernelTable* named = name == nullptr ? nullptr : FindKernels(name);
  if (named != nullptr) return *named;
  for (const char* best : {"avx512", "avx2"}) {
    if (const KernelTable* table = FindKernels(best); table != nullptr) return *table;
  }
  return PortableKernels();
}

}  // namespace

const KernelTable& PortableKernels() { return *PortableKernelTable(); }

const KernelTable* FindKernels(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "portable" || wanted == "scalar") return PortableKernelTable();
  if (wanted == "avx2" && MachineHasAvx2()) return Avx2KernelTable();
  if (wanted == "avx512" && MachineHasAvx512()) return Avx512KernelTable();
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
  for (const char* other : {"avx2", "avx512"}) {
    if (FindKernels(other) != nullptr) message += std::string(" or ") + other;
  }
  return message;
}

}  // namespace kith::index
