// What the damage tests ask of a server:
//
//   damage_probe fill HOST:PORT SIZE first|second   writes a stage of the sample's collections
//   damage_probe ask HOST:PORT SIZE                 prints 1,000 answers, one a line: name, tab,
//   answer damage_probe check HOST:PORT SIZE               the same; ends with 3 where one
//   contradicts the
//                                                   sample's points
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/damage/sample_answers.h"
#include "tests/damage/sample_fill.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kContradicted = 3;

using kith::test::SampleCollection;

int Fill(const std::shared_ptr<grpc::Channel>& channel,
         const std::vector<SampleCollection>& collections, kith::test::SampleStage stage) {
  for (const SampleCollection& collection : collections) {
    const std::string wrong = kith::test::FillSample(channel, collection, stage);
    if (wrong.empty()) continue;
    fmt::print(stderr, "damage_probe: {}\n", wrong);
    return kFailed;
  }
  return 0;
}

int Ask(const std::shared_ptr<grpc::Channel>& channel,
        const std::vector<SampleCollection>& collections, std::string_view verb) {
  int code = 0;
  for (const auto& answer : kith::test::AskSample(channel, collections)) {
    fmt::print("{}\t{}\n", answer.name, answer.text);
    if (answer.problem.empty()) continue;
    fmt::print(stderr, "damage_probe: {}: {}\n", answer.name, answer.problem);
    if (verb == "check") code = kContradicted;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  const bool is_fill = verb == "fill" && argc == 5;
  if (!is_fill && !((verb == "ask" || verb == "check") && argc == 4)) {
    fmt::print(stderr, "usage: see the first lines of damage_probe.cc\n");
    return kUsage;
  }
  const auto channel = grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials());
  const auto collections = kith::test::SampleCollections(std::strtoull(argv[3], nullptr, 10));
  if (!is_fill) return Ask(channel, collections, verb);
  const bool is_first = std::string_view(argv[4]) == "first";
  return Fill(channel, collections,
              is_first ? kith::test::SampleStage::kFirst : kith::test::SampleStage::kSecond);
}
