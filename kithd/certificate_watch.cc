#include "kithd/certificate_watch.h"

#include <utility>

#include "common/telemetry/log.h"

namespace kith::kithd {
namespace {

std::vector<auth::FileMark> MarksOf(const auth::TlsFiles& files) {
  return {auth::MarkOf(files.certificate_file), auth::MarkOf(files.key_file),
          auth::MarkOf(files.client_ca_file)};
}

}  // namespace

CertificateWatch::CertificateWatch(const config::ServerConfig& config) {
  for (const auto& [field, files] :
       {std::pair("grpc.tls", &config.grpc.tls), std::pair("http.tls", &config.http.tls),
        std::pair("node.tls", &config.node.tls)}) {
    if (files->is_on()) ports_.push_back({field, *files, MarksOf(*files)});
  }
}

void CertificateWatch::Look() {
  for (Port& port : ports_) LookAt(port);
}

void CertificateWatch::LookAt(Port& port) {
  std::vector<auth::FileMark> now = MarksOf(port.files);
  if (now != port.marks) {
    port.marks = std::move(now);
    port.has_changed = true;
    return;
  }
  if (!std::exchange(port.has_changed, false)) return;
  const absl::Status good = auth::CheckTlsFiles(port.files);
  if (good.ok()) {
    spdlog::info("event=certificate_read port={}", port.field);
    return;
  }
  spdlog::error("event=certificate_not_good port={} text={}", port.field,
                telemetry::LogValue(std::string(good.message()) +
                                    "; new connections may fail until the files are good"));
}

}  // namespace kith::kithd
