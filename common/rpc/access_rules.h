#ifndef KITH_COMMON_RPC_ACCESS_RULES_H_
#define KITH_COMMON_RPC_ACCESS_RULES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/auth/scopes.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace kith::rpc {

// What a call must be within a key's scopes for: the collections it names, some collection, or all.
enum class Reach : uint8_t { kNamed, kSome, kAll };

// From a request to one of its fields, through messages and lists of messages.
using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

inline constexpr size_t kNameBytesMax = 1024;

struct AccessRule {
  std::string method;  // "kith.v1.Points/Upsert"
  auth::Role role = auth::Role::kAdmin;
  Reach reach = Reach::kAll;
  const google::protobuf::Descriptor* request = nullptr;
  std::vector<FieldPath> collections;  // that it is about, by their names or aliases
  std::vector<FieldPath> names;        // as such: aliases, and collections that it makes or deletes
  std::vector<FieldPath> vectors;      // what vectors_per_second counts
  std::vector<const google::protobuf::FieldDescriptor*> texts;  // its own fields of text
  std::vector<FieldPath> subjects;                              // what else it is about
  bool is_recorded() const { return role == auth::Role::kAdmin || !subjects.empty(); }
};

// The options of the methods (proto/kith/v1/access.proto) of the services for clients, as the build
// made a table of them. Methods go by their own name: the build fails where two share one.
// Threads: any.
class AccessRules {
 public:
  AccessRules();
  // nullptr where the method is unknown or its requests are of another type.
  const AccessRule* Find(std::string_view method, const google::protobuf::Message& request) const;
  const std::map<std::string, AccessRule, std::less<>>& all() const { return rules_; }

 private:
  std::map<std::string, AccessRule, std::less<>> rules_;
};

// The collection that an alias stands for; any other name is itself.
using ResolveAlias = std::function<std::string(const std::string&)>;

// A collection that a request is about.
struct NamedCollection {
  std::string asked;       // as the caller wrote it, which is all that he may learn
  std::string collection;  // that is meant: a role for it is needed

  bool operator==(const NamedCollection&) const = default;
};

// The collections that a request is about. What is empty beside others names none; where all are
// empty, or none is there, the one name is "", which only a key for all collections has.
std::vector<NamedCollection> CollectionsOf(const AccessRule& rule,
                                           const google::protobuf::Message& request,
                                           const ResolveAlias& resolve);
// What else it is about, for the audit log.
std::vector<std::string> SubjectsOf(const AccessRule& rule,
                                    const google::protobuf::Message& request);
// INVALID_ARGUMENT BAD_REQUEST, of a page token BAD_PAGE_TOKEN, where a name of a collection, or
// another of its own texts, is longer than kNameBytesMax: those are names and tokens, which the
// services only look up. Lists and bytes are theirs to check.
absl::Status CheckNameLengths(const AccessRule& rule, const google::protobuf::Message& request);
// How many vectors or points it is about.
uint64_t VectorsOf(const AccessRule& rule, const google::protobuf::Message& request);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_ACCESS_RULES_H_
