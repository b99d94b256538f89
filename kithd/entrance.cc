#include "kithd/entrance.h"

#include <string>

#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::kithd {

absl::StatusOr<std::unique_ptr<Entrance>> Entrance::Open(const config::AuthConfig& config,
                                                         const Surroundings& around) {
  auto entrance = std::unique_ptr<Entrance>(new Entrance(around));
  if (!config.keys_file.empty()) {
    KITH_ASSIGN_OR_RETURN(entrance->keys_, auth::KeyStore::Open(config.keys_file));
    spdlog::info("event=keys_read keys={}", entrance->keys_->keys()->size());
  }
  if (!config.audit_file.empty()) {
    KITH_ASSIGN_OR_RETURN(entrance->audit_, auth::AuditLog::Open(config.audit_file, around.clock));
  }
  return entrance;
}

rpc::CallGateOptions Entrance::gate_options() const {
  rpc::CallGateOptions options;
  options.keys = keys_.get();
  options.audit = audit_.get();
  options.clock = &around_.clock;
  options.metrics = &around_.metrics;
  return options;
}

void Entrance::Refresh() {
  if (keys_ != nullptr) {
    const absl::StatusOr<bool> changed = keys_->Refresh();
    if (!changed.ok()) {
      spdlog::error("event=keys_not_read text={}",
                    telemetry::LogValue(std::string(changed.status().message()) +
                                        "; the keys from before stay good"));
    } else if (*changed) {
      spdlog::info("event=keys_read keys={}", keys_->keys()->size());
    }
  }
  if (audit_ == nullptr) return;
  const absl::Status well = audit_->Refresh();
  if (!well.ok() && is_audit_well_) {
    spdlog::error("event=audit_not_written text={}",
                  telemetry::LogValue(std::string(well.message())));
  }
  is_audit_well_ = well.ok();
}

}  // namespace kith::kithd
