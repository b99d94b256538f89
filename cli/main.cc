#include <unistd.h>

#include <iostream>

#include "cli/command_line.h"
#include "common/base/lock_order.h"
#include "index/kernels/kernel_choice.h"

int main(int argc, char** argv) {
  kith::StopLockOrderChecks();
  if (const std::string wrong = kith::index::CheckKernelChoice(); !wrong.empty()) {
    std::cerr << "kith: " << wrong << "\n";
    return kith::cli::kExitUsage;
  }
  kith::cli::Terminal terminal{std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) == 1,
                               ::isatty(STDERR_FILENO) == 1};
  return kith::cli::RunCommandLine(argc, argv, terminal);
}
