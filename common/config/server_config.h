#ifndef KITH_COMMON_CONFIG_SERVER_CONFIG_H_
#define KITH_COMMON_CONFIG_SERVER_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/auth/tls_files.h"

namespace kith::config {

// What a kithd process is. deploy/kithd.yaml says of every key why it is there; the defaults here
// and there are compared by a test.
enum class Role : uint8_t { kAll, kCoordinator, kShard };

struct DataConfig {
  std::string directory = "kith-data";
};

struct GrpcConfig {
  std::string listen = "127.0.0.1:7430";
  auth::TlsFiles tls;
  uint64_t drain_seconds = 20;
};

struct HttpConfig {
  std::string listen = "127.0.0.1:7431";
  auth::TlsFiles tls;
};

struct NodeConfig {
  std::string listen = "127.0.0.1:7432";
  std::string name = "local";
  auth::TlsFiles tls;  // of both sides: a node listens, and a coordinator calls, with these
};

struct AuthConfig {
  std::string keys_file;   // empty: whoever reaches a port may everything
  std::string audit_file;  // empty: nothing is recorded
};

struct NodeAddress {
  std::string name;
  std::string address;
  bool operator==(const NodeAddress&) const = default;
};

struct ClusterConfig {
  std::vector<NodeAddress> nodes;
};

struct CollectionsConfig {
  uint64_t default_shards = 1;
};

struct SearchConfig {
  uint64_t threads = 0;          // 0: as many as cores
  uint64_t wait_target_ms = 10;  // 0: none
  std::string engine = "auto";
  bool require_gpu = false;
  std::string gpu_device = "auto";
  uint64_t gpu_wait_us = 80;
  uint64_t gpu_batch = 1024;
};

struct RecallConfig {
  uint64_t one_in = 1000;  // queries; 0: recall is not sampled
  uint64_t per_second = 2;
  uint64_t window = 1000;  // samples
};

struct MaintenanceConfig {
  uint64_t threads = 1;
  uint64_t encode_threads = 0;       // 0: as many as cores
  uint64_t scrub_mb_per_second = 4;  // 0: nothing is read again
  uint64_t scrub_minutes = 60;
};

struct StorageConfig {
  uint64_t write_buffer_mb = 128;
  uint64_t block_cache_mb = 256;
  uint64_t log_buffer_mb = 32;
  uint64_t disk_reserve_mb = 512;
  uint64_t checkpoint_log_mb = 256;
  uint64_t checkpoint_seconds = 300;
  uint64_t log_max_mb = 4096;
};

struct BackupConfig {
  std::string directory;  // empty: no backups
  uint64_t mb_per_second = 200;
};

struct LogConfig {
  std::string level = "info";
  std::string file;  // empty: standard error
};

struct LimitsConfig {
  uint64_t memory_mb = 0;  // of one node, for plans and trainings; 0: what the machine has
};

struct ServerConfig {
  Role role = Role::kAll;
  bool insecure_listen = false;
  DataConfig data;
  AuthConfig auth;
  GrpcConfig grpc;
  HttpConfig http;
  NodeConfig node;
  ClusterConfig cluster;
  CollectionsConfig collections;
  SearchConfig search;
  RecallConfig recall;
  MaintenanceConfig maintenance;
  StorageConfig storage;
  BackupConfig backup;
  LogConfig log;
  LimitsConfig limits;
};

const char* RoleName(Role role);

// A port that other machines can reach and that lets in whoever comes: why, as a sentence.
struct OpenPort {
  std::string field;  // "grpc.listen"
  std::string address;
  std::string why;
};
// Of the ports that the role has.
std::vector<OpenPort> OpenPorts(const ServerConfig& config);

}  // namespace kith::config

#endif  // KITH_COMMON_CONFIG_SERVER_CONFIG_H_
