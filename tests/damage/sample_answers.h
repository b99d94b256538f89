#ifndef KITH_TESTS_DAMAGE_SAMPLE_ANSWERS_H_
#define KITH_TESTS_DAMAGE_SAMPLE_ANSWERS_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/damage/sample_points.h"

namespace kith::test {

// One answer of a server, as a line of text that two servers with the same points share, and what
// the points themselves say of it.
struct SampleAnswer {
  std::string name;     // collection, kind and number of what was asked
  std::string text;     // the whole answer, or "error CODE REASON: message"
  std::string problem;  // how it contradicts the sample's points; empty: it does not, or an error
};

// 1,000 answers of all kinds about the collections: exact searches, searches of the index with all
// lists and with few, filtered ones, points and counts.
std::vector<SampleAnswer> AskSample(const std::shared_ptr<grpc::Channel>& channel,
                                    const std::vector<SampleCollection>& collections);

}  // namespace kith::test

#endif  // KITH_TESTS_DAMAGE_SAMPLE_ANSWERS_H_
