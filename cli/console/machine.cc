#include "cli/console/machine.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace kith::cli {
namespace {

// The value behind "model name : ".
std::string CpuModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    return colon == std::string::npos ? "unknown" : line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

Json DescribeMachine() {
  utsname name{};
  (void)uname(&name);
  struct sysinfo facts {};
  (void)sysinfo(&facts);
  double load[1] = {0};
  (void)getloadavg(load, 1);
  return {{"cpu", CpuModel()},
          {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory_bytes", uint64_t{facts.totalram} * facts.mem_unit},
          {"kernel", std::string(name.sysname) + " " + name.release},
          {"host", name.nodename},
          {"load_average", load[0]},
          {"kith_version", KITH_VERSION},
          {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
}

}  // namespace kith::cli
