#include "coordinator/admin/catalog.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr int kCompareAndSwapAttempts = 8;

}  // namespace

absl::StatusOr<ShardService*> Catalog::Node(const std::string& name) const {
  const auto found = context_.nodes.find(name);
  if (found != context_.nodes.end()) return found->second;
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
               fmt::format("node {} is not in the configuration: add it to the coordinator's list "
                           "of nodes and start again",
                           name),
               {{"node", name}});
}

std::mutex& Catalog::StripeOf(const std::string& name) {
  return name_stripes_[std::hash<std::string>{}(name) % name_stripes_.size()];
}

Catalog::NameLock Catalog::Lock(const std::string& name) { return NameLock(StripeOf(name)); }

Catalog::NameLock Catalog::TryLock(const std::string& name) {
  return NameLock(StripeOf(name), std::try_to_lock);
}

absl::StatusOr<CollectionRecord> Catalog::Create(CollectionRecord record) {
  std::lock_guard lock(change_mutex_);
  return meta().Create(std::move(record));
}

absl::StatusOr<CollectionRecord> Catalog::TryModify(const CollectionRecord& known,
                                                    const Change& change) {
  KITH_ASSIGN_OR_RETURN(CollectionRecord record, meta().Get(known.name));
  if (record.incarnation != known.incarnation) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                 fmt::format("collection {} was dropped and created again meanwhile", known.name));
  }
  KITH_RETURN_IF_ERROR(change(record));
  return meta().Update(std::move(record));
}

absl::StatusOr<CollectionRecord> Catalog::Modify(const CollectionRecord& known,
                                                 const Change& change) {
  std::lock_guard lock(change_mutex_);
  absl::StatusOr<CollectionRecord> changed = TryModify(known, change);
  for (int i = 1; i < kCompareAndSwapAttempts; ++i) {
    if (changed.ok() || ReasonOf(changed.status()) != reason::kVersionMismatch) break;
    changed = TryModify(known, change);
  }
  if (changed.ok()) Show(*changed);
  return changed;
}

void Catalog::ShowBuilt(const CollectionRecord& record,
                        const std::map<std::string, double>& shares) {
  if (shares.empty()) return;
  std::lock_guard lock(change_mutex_);
  const auto entry = context_.map->Find(record.name);
  if (!entry.ok() || (*entry)->record.revision != record.revision) return;
  CollectionRecord shown = (*entry)->record;
  for (PayloadField& field : shown.payload_fields) {
    const auto share = shares.find(field.name);
    if (share != shares.end()) field.built_share = share->second;
  }
  context_.map->Put(shown, context_.nodes);
}

absl::Status Catalog::Delete(const CollectionRecord& record) {
  std::lock_guard lock(change_mutex_);
  KITH_RETURN_IF_ERROR(meta().Delete(record.name, record.revision));
  context_.map->Remove(record.name);
  return absl::OkStatus();
}

absl::StatusOr<Aliases> Catalog::ChangeAliases(const std::vector<AliasChange>& changes) {
  std::lock_guard lock(change_mutex_);
  KITH_ASSIGN_OR_RETURN(Aliases aliases, meta().ChangeAliases(changes));
  context_.map->SetAliases(aliases);
  return aliases;
}

absl::Status Catalog::PublishAliases() {
  std::lock_guard lock(change_mutex_);
  KITH_ASSIGN_OR_RETURN(Aliases aliases, meta().ListAliases());
  context_.map->SetAliases(std::move(aliases));
  return absl::OkStatus();
}

absl::Status Catalog::Publish(const std::string& name) {
  std::lock_guard lock(change_mutex_);
  KITH_ASSIGN_OR_RETURN(const CollectionRecord record, meta().Get(name));
  Show(record);
  return absl::OkStatus();
}

void Catalog::Show(const CollectionRecord& record) {
  if (record.state == CollectionRecord::State::kActive) {
    context_.map->Put(record, context_.nodes);
  } else {
    context_.map->Remove(record.name);
  }
}

}  // namespace kith::coordinator
