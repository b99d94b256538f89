#include "bench/gpu/report.h"

#include <cstdio>

namespace kith::bench {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "\"";
}

}  // namespace

void Report::Add(const Figure& figure) {
  figures_.push_back(figure);
  std::printf("%-8s %-52s %16.3f %s\n", figure.part.c_str(), figure.name.c_str(), figure.value,
              figure.unit.c_str());
  std::fflush(stdout);
}

void Report::NotRun(const std::string& part, const std::string& why) {
  not_run_.push_back({part, why});
  std::printf("%-8s not run: %s\n", part.c_str(), why.c_str());
  std::fflush(stdout);
}

bool Report::Write(const std::string& path) const {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  std::fprintf(file,
               "{\n  \"device\": {\"name\": %s, \"multiprocessors\": %u, \"capability\": %u, "
               "\"memory_bytes\": %llu, \"driver\": %s, \"runtime\": %s},\n  \"figures\": [",
               Quoted(card_.name).c_str(), card_.multiprocessors, card_.capability,
               static_cast<unsigned long long>(card_.total_bytes), Quoted(card_.driver).c_str(),
               Quoted(card_.runtime).c_str());
  const char* comma = "\n";
  for (const Figure& one : figures_) {
    std::fprintf(file, "%s    {\"part\": %s, \"name\": %s, \"value\": %.6g, \"unit\": %s}", comma,
                 Quoted(one.part).c_str(), Quoted(one.name).c_str(), one.value,
                 Quoted(one.unit).c_str());
    comma = ",\n";
  }
  std::fprintf(file, "\n  ],\n  \"not_run\": [");
  comma = "\n";
  for (const Absent& one : not_run_) {
    std::fprintf(file, "%s    {\"part\": %s, \"why\": %s}", comma, Quoted(one.part).c_str(),
                 Quoted(one.why).c_str());
    comma = ",\n";
  }
  std::fprintf(file, "\n  ]\n}\n");
  return std::fclose(file) == 0;
}

}  // namespace kith::bench
