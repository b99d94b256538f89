#include "common/rpc/call_gate.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <utility>

#include "common/auth/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"

namespace kith::rpc {
namespace {

using auth::AccessKey;
using auth::Role;

constexpr size_t kNamesShownMax = 8;
constexpr size_t kNameBytesShownMax = 80;
constexpr std::string_view kBearer = "Bearer ";
// What gRPC 1.51 says of a call within the process; each socket has an address.
constexpr std::string_view kWithinProcess = "unknown";

// What a caller wrote, cut for messages and records.
std::string Shown(std::string_view name) {
  if (name.size() <= kNameBytesShownMax) return std::string(name);
  return std::string(name.substr(0, kNameBytesShownMax)) + "...";
}

std::string Shown(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamesShownMax); ++i) {
    if (i > 0) text += ',';
    text += Shown(names[i]);
  }
  return names.size() > kNamesShownMax ? text + ",..." : text;
}

std::string Shown(const std::vector<NamedCollection>& named) {
  std::vector<std::string> names;
  for (const NamedCollection& one : named) {
    const bool is_new = names.empty() || names.back() != one.collection;
    if (is_new) names.push_back(one.collection);
  }
  return Shown(names);
}

absl::Status Denied(const char* reason, const std::string& message) {
  return Error(absl::StatusCode::kPermissionDenied, reason, message);
}

// What the key has is less than `needed`.
absl::Status RoleTooLow(const AccessKey& key, Role needed, const std::string& where) {
  if (needed == Role::kAdmin) {
    return Denied(reason::kKeyNotAdmin,
                  fmt::format("the key \"{}\" may not administer {}", key.id, where));
  }
  return Denied(reason::kKeyReadOnly,
                fmt::format("the key \"{}\" may only read {}", key.id, where));
}

// What an alias stands for is not told to whoever may not know.
absl::Status CheckNames(const AccessKey& key, Role needed,
                        const std::vector<NamedCollection>& names) {
  for (const auto& [asked, collection] : names) {
    const Role role = auth::RoleFor(key.scopes, collection);
    if (role >= needed) continue;
    const std::string where = fmt::format("collection \"{}\"", Shown(asked));
    if (role != Role::kAnyone) return RoleTooLow(key, needed, where);
    return Denied(reason::kCollectionForbidden,
                  fmt::format("the key \"{}\" is not for {}", key.id, where));
  }
  return absl::OkStatus();
}

absl::Status CheckRole(const AccessKey& key, const AccessRule& rule,
                       const std::vector<NamedCollection>& names) {
  if (rule.reach == Reach::kNamed) return CheckNames(key, rule.role, names);
  if (rule.reach == Reach::kAll && !auth::HasForAll(key.scopes, rule.role)) {
    return Denied(reason::kCollectionForbidden,
                  fmt::format("the key \"{}\" is not for all collections with the role {}, and "
                              "this call is about all of them",
                              key.id, auth::RoleName(rule.role)));
  }
  if (auth::HighestRole(key.scopes) >= rule.role) return absl::OkStatus();
  return RoleTooLow(key, rule.role, "any collection");
}

// Who called. The HTTP port calls within the process and says for whom.
std::string PeerOf(const grpc::ServerContextBase& context) {
  const std::string peer = context.peer();
  if (peer != kWithinProcess) return peer;
  const auto found = context.client_metadata().find(kForwardedPeer);
  if (found == context.client_metadata().end()) return peer;
  return Shown({found->second.data(), found->second.size()});
}

// The key among the metadata; nothing where there is none.
absl::StatusOr<std::optional<std::string_view>> PresentedIn(
    const grpc::ServerContextBase& context) {
  std::optional<std::string_view> presented;
  for (const auto& [name, value] : context.client_metadata()) {
    std::string_view text(value.data(), value.size());
    if (name == "authorization") {
      if (text.substr(0, kBearer.size()) != kBearer) {
        return Error(absl::StatusCode::kUnauthenticated, reason::kBadKey,
                     "`authorization` must be `Bearer KEY`");
      }
      text.remove_prefix(kBearer.size());
    } else if (name != "x-api-key") {
      continue;
    }
    if (presented.has_value() && *presented != text) {
      return Error(absl::StatusCode::kUnauthenticated, reason::kBadKey,
                   "the call carries two different keys");
    }
    presented = text;
  }
  return presented;
}

}  // namespace

struct CallGate::Asked {
  const AccessRule& rule;
  const grpc::ServerContextBase& context;
  const google::protobuf::Message& request;
  std::vector<NamedCollection> names;
  std::shared_ptr<const auth::KeySet> keys;
  const AccessKey* key = nullptr;
};

bool AdmittedCall::May(Role role, std::string_view collection) const {
  return key_ == nullptr || auth::RoleFor(key_->scopes, collection) >= role;
}

void AdmittedCall::Ended(const absl::Status& status) const {
  if (audit_ == nullptr) return;
  auth::AuditRecord record = record_;
  record.outcome = CodeName(status.code());
  record.reason = ReasonOf(status);
  audit_->Write(auth::AuditLog::Kind::kAdministered, record);
}

CallGate::CallGate(CallGateOptions options) : options_(std::move(options)) {}

auth::AuditRecord CallGate::RecordOf(const Asked& asked) {
  auth::AuditRecord record;
  record.key = asked.key == nullptr ? "" : asked.key->id;
  record.peer = PeerOf(asked.context);
  record.method = asked.rule.method;
  record.collection = Shown(asked.names);
  record.subject = Shown(SubjectsOf(asked.rule, asked.request));
  return record;
}

absl::Status CallGate::Check(Asked& asked) {
  if (options_.keys == nullptr || asked.rule.role == Role::kAnyone) return absl::OkStatus();
  KITH_ASSIGN_OR_RETURN(const auto presented, PresentedIn(asked.context));
  if (!presented.has_value()) {
    return Error(absl::StatusCode::kUnauthenticated, reason::kKeyRequired,
                 "this server answers only to keys: send one as `authorization: Bearer KEY`");
  }
  asked.keys = options_.keys->keys();
  KITH_ASSIGN_OR_RETURN(asked.key, asked.keys->Authenticate(*presented, options_.clock->UnixMs()));
  KITH_RETURN_IF_ERROR(CheckRole(*asked.key, asked.rule, asked.names));
  return quotas_.Take(*asked.key, VectorsOf(asked.rule, asked.request), options_.clock->Now());
}

void CallGate::RecordDenied(const Asked& asked, const absl::Status& why) {
  if (options_.metrics != nullptr) {
    options_.metrics
        ->GetCounter({"kith_denied_calls_total", "Calls that were not let in, by reason."},
                     {{"reason", ReasonOf(why)}})
        .Add();
  }
  // Who has used its quota up is no intruder, and may come often.
  if (options_.audit == nullptr || why.code() == absl::StatusCode::kResourceExhausted) return;
  auth::AuditRecord record = RecordOf(asked);
  record.outcome = CodeName(why.code());
  record.reason = ReasonOf(why);
  options_.audit->Write(auth::AuditLog::Kind::kDenied, record);
}

absl::StatusOr<std::shared_ptr<const AdmittedCall>> CallGate::Admit(
    std::string_view method, const grpc::ServerContextBase& context,
    const google::protobuf::Message& request) {
  const AccessRule* const rule = rules_.Find(method, request);
  if (rule == nullptr) {
    return absl::InternalError(fmt::format("no rule says who may call {}; report it", method));
  }
  KITH_RETURN_IF_ERROR(CheckNameLengths(*rule, request));
  const bool is_recorded = options_.audit != nullptr && rule->is_recorded();
  if (options_.keys == nullptr && !is_recorded) return nullptr;
  Asked asked{*rule,   context, request, CollectionsOf(*rule, request, options_.resolve),
              nullptr, nullptr};
  const absl::Status checked = Check(asked);
  if (!checked.ok()) {
    RecordDenied(asked, checked);
    return checked;
  }
  auto admitted = std::make_shared<AdmittedCall>();
  admitted->keys_ = std::move(asked.keys);
  admitted->key_ = asked.key;
  if (is_recorded) {
    admitted->audit_ = options_.audit;
    admitted->record_ = RecordOf(asked);
  }
  return std::shared_ptr<const AdmittedCall>(std::move(admitted));
}

}  // namespace kith::rpc
