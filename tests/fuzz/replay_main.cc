// Feeds a target what a fuzzer found worth keeping, and a fixed number of mutations of each input:
// the same bytes in every run, with any compiler.
//
//   TARGET_replay [--mutations N] [--keep FILE] FOLDER...
//   TARGET_replay --write-seeds FOLDER
//
// --keep writes each input to FILE before it runs: after a crash it holds what broke the target.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

// An allocation of more is a bug in itself: no input here has a megabyte.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=256:allocator_may_return_null=0:detect_leaks=1";
}

namespace kith::fuzz {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// By name, so that every run goes the same way.
std::vector<fs::path> FilesIn(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Options {
  size_t mutations = 0;
  std::string keep;
  std::vector<std::string> folders;
};

// A copy in a block of its own size, so that a byte too far shows.
void Run(const std::string& input, const Options& options) {
  if (!options.keep.empty()) WriteFile(options.keep, input);
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& inputs) : inputs_(inputs) {}

  // The n-th mutation of an input is the same wherever it stands among others.
  std::string Mutate(const std::string& input, size_t n) {
    random_.seed(static_cast<uint32_t>(input.size() * 2654435761u + n));
    std::string mutated = input;
    for (uint32_t step = 0; step <= random_() % 4; ++step) Change(mutated);
    return mutated;
  }

 private:
  size_t Place(const std::string& bytes) { return bytes.empty() ? 0 : random_() % bytes.size(); }

  void Change(std::string& bytes) {
    constexpr uint64_t kNumbers[] = {0,      1,          0x7f,       0xff,        0x7fff,
                                     0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0}};
    const size_t at = Place(bytes);
    switch (random_() % 6) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random_() % 8)));
        return;
      case 1:
        bytes.erase(at, 1 + random_() % 8);
        return;
      case 2:
        bytes.insert(at, 1 + random_() % 8, static_cast<char>(random_()));
        return;
      case 3: {
        const uint64_t number = kNumbers[random_() % std::size(kNumbers)];
        const size_t width = std::min<size_t>(size_t{1} << (random_() % 4), bytes.size() - at);
        if (!bytes.empty()) std::memcpy(bytes.data() + at, &number, width);
        return;
      }
      case 4: {
        const std::string& other = inputs_[random_() % inputs_.size()];
        bytes = bytes.substr(0, at) + other.substr(Place(other));
        return;
      }
      default:
        bytes.resize(at);
    }
  }

  const std::vector<std::string>& inputs_;
  std::mt19937 random_;
};

int WriteSeeds(const fs::path& folder) {
  fs::create_directories(folder);
  const std::vector<std::string> seeds = Seeds();
  for (size_t i = 0; i < seeds.size(); ++i)
    WriteFile(folder / fmt::format("seed-{:02}", i), seeds[i]);
  fmt::print("replay: {} seeds in {}\n", seeds.size(), folder.string());
  return 0;
}

int Replay(const Options& options) {
  std::vector<std::string> inputs = Seeds();
  for (const std::string& folder : options.folders) {
    for (const fs::path& file : FilesIn(folder)) inputs.push_back(ReadFile(file));
  }
  // Most seeds lie in the folder too.
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  Run("", options);
  Mutator mutator(inputs);
  for (const std::string& input : inputs) {
    Run(input, options);
    for (size_t n = 0; n < options.mutations; ++n) Run(mutator.Mutate(input, n), options);
  }
  fmt::print("replay: {} inputs and {} mutations of each\n", inputs.size(), options.mutations);
  return 0;
}

int Main(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == "--write-seeds") return WriteSeeds(words[1]);
  Options options;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--mutations" && has_value) {
      options.mutations = std::strtoul(words[++i].c_str(), nullptr, 10);
    } else if (words[i] == "--keep" && has_value) {
      options.keep = words[++i];
    } else if (fs::is_directory(words[i])) {
      options.folders.push_back(words[i]);
    } else {
      std::fprintf(stderr, "replay: %s is no folder of inputs\n", words[i].c_str());
      return 2;
    }
  }
  return Replay(options);
}

}  // namespace
}  // namespace kith::fuzz

int main(int argc, char** argv) { return kith::fuzz::Main({argv + 1, argv + argc}); }
