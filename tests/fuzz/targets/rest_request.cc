// What REST makes of a request, without a socket: a line "VERB TARGET", headers, each a line
// "name: value", an empty line, and the body. First what its head is refused for, then the call.
#include <memory>
#include <string>

#include "coordinator/http/rest_gateway.h"
#include "tests/fuzz/checked_calls.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

const http::RestGateway& Gateway() {
  static const auto gateway = [] {
    auto made = *http::RestGateway::Make({}, "1");
    made->Open(std::make_shared<CheckedCalls>());
    return made;
  }();
  return *gateway;
}

http::HttpRequest ReadRequest(FuzzInput input) {
  http::HttpRequest request;
  request.verb = input.Until(' ');
  request.target = input.Until('\n');
  while (input.left() > 0) {
    FuzzInput line(input.Until('\n'));
    if (line.left() == 0) break;
    const std::string_view name = line.Until(':');
    (void)line.Until(' ');
    request.headers.emplace_back(name, line.Rest());
  }
  request.body = input.Rest();
  request.peer = "127.0.0.1:40000";
  return request;
}

std::string Sent(const std::string& line, const std::string& body, const std::string& more = "") {
  return line + "\nhost: localhost\ncontent-type: application/json\n" + more + "\n" + body;
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string points = "/v1/collections/c/points";
  return {
      Sent("PUT " + points,
           R"({"points":[{"id":{"number":"7"},"vector":{"values":[1,-2.5e3,"NaN"]},)"
           R"("payload":"eyJhIjoxfQ==","ifVersion":"3"},)"
           R"({"id":{"uuid":"AAECAwQFBgcICQoLDA0ODw=="}}]})",
           "kith-request-id: 01234567-89ab-cdef-0123-456789abcdef\nkith-timeout: 1.5s\n"),
      Sent("POST " + points + ":search",
           R"({"vector":{"values":[0.5,1]},"parameters":{"limit":10,"filter":{"allOf":{"filters":)"
           R"([{"match":{"field":"tags","value":{"keyword":"red"}}},{"range":{"field":"year",)"
           R"("gte":{"integer":"-9"}}},{"noneOf":{"filters":[{"exists":{"field":"new"}}]}}]}},)"
           R"("withPayload":true}})",
           "authorization: Bearer kith_abc\nx-api-key: kith_abc\n"),
      Sent("POST " + points + ":searchBatch", R"({"count":2,"queries":"AAAAAA=="})"),
      Sent("PATCH /v1/collections/c%20d",
           R"({"description":"of the \u00e4 \ud83d\ude00","updateMask":"description"})"),
      Sent("POST /v1/collections",
           R"({"collection":"c","dimension":8,"metric":"METRIC_COSINE","elementType":2,)"
           R"("index":{"lists":16,"targetRecall":0.9},"payloadFields":[{"name":"n","type":1}]})"),
      Sent("POST " + points + ":delete",
           R"({"ids":[{"number":"1"}],"dryRun":false,"filter":null})"),
      "GET " + points + "?limit=10&pageToken=YWJj&with_vector=true\nhost: 127.0.0.1\n\n",
      "GET /v1/operations?x=%zz\nhost: [::1]:7431\norigin: http://localhost\n\n",
      "DELETE /v1/collections/c/indexVersions/a1b2\nhost: localhost\n\n",
      Sent("POST /v1/operations/12:cancel", "{}")};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  const http::HttpRequest request = fuzz::ReadRequest({data, size});
  const auto refusal = fuzz::Gateway().RefuseHead(request);
  fuzz::CheckAnswer(refusal.has_value() ? *refusal : fuzz::Gateway().Answer(request));
  return 0;
}
