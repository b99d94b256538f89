// Every method with every kind of caller, against the real service; the answers are
// tests/auth_matrix.json. After a change that is meant, KITH_WRITE_AUTH_MATRIX=1 writes it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "common/auth/reasons.h"
#include "common/rpc/access_rules.h"
#include "kith/v1/operations.pb.h"
#include "kith/v1/search.pb.h"
#include "tests/integration/auth/auth_fixture.h"
#include "tests/support/file_bytes.h"

namespace kith {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using OrderedJson = nlohmann::ordered_json;

constexpr char kFile[] = KITH_SOURCE_DIR "/tests/auth_matrix.json";

// Puts the name of the collection where the path leads, through messages and lists of them.
void SetAt(Message* message, const rpc::FieldPath& path) {
  for (const FieldDescriptor* field : path) {
    const auto* const reflection = message->GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (field->is_repeated()) return reflection->AddString(message, field, "c");
      return reflection->SetString(message, field, "c");
    }
    if (field->is_repeated() && reflection->FieldSize(*message, field) > 0) {
      message = reflection->MutableRepeatedMessage(message, field, 0);
    } else {
      message = field->is_repeated() ? reflection->AddMessage(message, field)
                                     : reflection->MutableMessage(message, field);
    }
  }
}

class AuthMatrix : public AuthServer {
 protected:
  // "allowed", or the reason why not. What the call itself then comes to is no matter here.
  std::string OutcomeOf(const rpc::AccessRule& rule, const Metadata& metadata) {
    const std::unique_ptr<Message> request(
        MessageFactory::generated_factory()->GetPrototype(rule.request)->New());
    for (const rpc::FieldPath& path : rule.collections) SetAt(request.get(), path);
    for (const rpc::FieldPath& path : rule.names) SetAt(request.get(), path);
    const absl::Status status = CallOrAnswer(rule.method, *request, metadata);
    const bool is_denied = status.code() == absl::StatusCode::kUnauthenticated ||
                           status.code() == absl::StatusCode::kPermissionDenied;
    return is_denied ? ReasonOf(status) : "allowed";
  }
  OrderedJson MatrixNow() {
    std::map<std::string, OrderedJson> rows;
    for (const auto& [name, rule] : rules_.all()) {
      OrderedJson row = {{"role", auth::RoleName(rule.role)},
                         {"anonymous", OutcomeOf(rule, {})},
                         {"wrong key", OutcomeOf(rule, {{"x-api-key", "nonsense"}})}};
      for (const char* key :
           {"read", "write", "admin", "of another collection", "of all", "expired", "revoked"}) {
        row[std::string(key) + " key"] = OutcomeOf(rule, With(key));
      }
      rows[rule.method] = row;
    }
    OrderedJson matrix = {
        {"what", "Each method, asked about collection c. read, write and admin are keys for c."},
        {"methods", rows}};
    return matrix;
  }
};

TEST_F(AuthMatrix, EveryMethodAnswersEveryCallerAsTheCheckedInMatrixSays) {
  const std::string now = MatrixNow().dump(1) + "\n";
  if (std::getenv("KITH_WRITE_AUTH_MATRIX") != nullptr) std::ofstream(kFile) << now;
  EXPECT_EQ(test::ReadBytes(kFile), now)
      << "who may call what has changed: if that is meant, run this test with "
         "KITH_WRITE_AUTH_MATRIX=1 and read the difference";
}

// What must hold of the matrix whatever the rules are.
TEST_F(AuthMatrix, NobodyWithoutAGoodKeyComesInAndNoKeyDoesMoreThanItMay) {
  const OrderedJson matrix = MatrixNow();
  ASSERT_GE(matrix["methods"].size(), 37u);
  for (const auto& [method, row] : matrix["methods"].items()) {
    if (row["role"] == "none") continue;
    EXPECT_EQ(row["anonymous"], reason::kKeyRequired) << method;
    EXPECT_EQ(row["wrong key"], reason::kBadKey) << method;
    EXPECT_EQ(row["revoked key"], reason::kBadKey) << method;
    EXPECT_EQ(row["expired key"], reason::kKeyExpired) << method;
    EXPECT_EQ(row["of all key"], "allowed") << method;
    EXPECT_EQ(row["read key"] == "allowed", row["role"] == "read") << method;
    EXPECT_EQ(row["write key"] == "allowed", row["role"] != "admin") << method;
  }
}

}  // namespace
}  // namespace kith
