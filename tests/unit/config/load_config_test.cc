#include "common/config/load_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "common/config/fields.h"

namespace kith::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LoadConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "kith-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string File(const std::string& text) {
    const std::string path = directory_ + "/kithd.yaml";
    std::ofstream(path) << text;
    return path;
  }
  // The error of a file with that text.
  std::string ErrorOf(const std::string& text) {
    const auto loaded = LoadConfig({.file = File(text), .environment = {}, .flags = {}});
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(loaded.status().message());
  }

  std::string directory_;
};

TEST_F(LoadConfigTest, NothingGivenMeansTheDefaults) {
  const auto loaded = LoadConfig({});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.role, Role::kAll);
  EXPECT_EQ(loaded->config.grpc.listen, "127.0.0.1:7430");
  EXPECT_EQ(loaded->config.http.listen, "127.0.0.1:7431");
  EXPECT_EQ(loaded->config.node.listen, "127.0.0.1:7432");
  EXPECT_TRUE(loaded->sources.empty());
}

TEST_F(LoadConfigTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const auto loaded = LoadConfig(
      {.file = File("storage: {write_buffer_mb: 1, block_cache_mb: 2, disk_reserve_mb: 3}"),
       .environment = {"KITH__STORAGE__BLOCK_CACHE_MB=20", "KITH__STORAGE__DISK_RESERVE_MB=30",
                       "PATH=/bin", "KITH_KERNELS=scalar"},
       .flags = {{"--reserve", "storage.disk_reserve_mb", "300"}}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.storage.write_buffer_mb, 1u);
  EXPECT_EQ(loaded->config.storage.block_cache_mb, 20u);
  EXPECT_EQ(loaded->config.storage.disk_reserve_mb, 300u);
  const auto lines = DescribeConfig(*loaded);
  EXPECT_THAT(lines, ::testing::Contains("storage.disk_reserve_mb=300 source=\"flag --reserve\""));
  EXPECT_THAT(lines, ::testing::Contains(
                         "storage.block_cache_mb=20 source=\"env KITH__STORAGE__BLOCK_CACHE_MB\""));
  EXPECT_THAT(lines, ::testing::Contains("log.level=info source=default"));
}

TEST_F(LoadConfigTest, AnUnknownKeyIsRefusedWithItsLineAndTheNearestKey) {
  EXPECT_THAT(ErrorOf("role: all\nstorage:\n  write_bufer_mb: 7\n"),
              AllOf(HasSubstr("kithd.yaml:3"), HasSubstr("\"storage.write_bufer_mb\""),
                    HasSubstr("did you mean \"storage.write_buffer_mb\"?")));
  EXPECT_THAT(ErrorOf("zzzz: 1\n"), AllOf(HasSubstr("zzzz"), HasSubstr("deploy/kithd.yaml")));
}

TEST_F(LoadConfigTest, AnUnknownSectionIsRefusedEvenWhenItIsEmpty) {
  EXPECT_THAT(ErrorOf("storag: {}\n"), HasSubstr("unknown key \"storag\""));
  EXPECT_THAT(ErrorOf("storag:\n"), HasSubstr("unknown key \"storag\""));
  EXPECT_TRUE(LoadConfig({.file = File("storage:\n"), .environment = {}, .flags = {}}).ok());
}

TEST_F(LoadConfigTest, AnUnknownVariableIsRefusedWithTheNearestOne) {
  const auto loaded =
      LoadConfig({.file = "", .environment = {"KITH__LOG__LEVLE=debug"}, .flags = {}});
  EXPECT_THAT(std::string(loaded.status().message()),
              AllOf(HasSubstr("KITH__LOG__LEVLE"), HasSubstr("KITH__LOG__LEVEL\"?")));
}

TEST_F(LoadConfigTest, AWrongTypeOrRangeNamesTheKeyAndWhatIsExpected) {
  EXPECT_THAT(ErrorOf("search: {threads: many}"),
              AllOf(HasSubstr("search.threads"), HasSubstr("many"), HasSubstr("from 0 to 1024")));
  EXPECT_THAT(ErrorOf("search: {threads: -1}"), HasSubstr("from 0 to 1024"));
  EXPECT_THAT(ErrorOf("collections: {default_shards: 257}"), HasSubstr("from 1 to 256"));
  EXPECT_THAT(ErrorOf("collections: {default_shards: 99999999999999999999999}"),
              HasSubstr("from 1 to 256"));
  EXPECT_THAT(ErrorOf("role: boss"), HasSubstr("all, coordinator or shard"));
  EXPECT_THAT(ErrorOf("insecure_listen: yes"), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf("log: {level: loud}"), HasSubstr("trace, debug"));
  EXPECT_THAT(ErrorOf("data:\n  directory:\n"), HasSubstr("data.directory has no value"));
  EXPECT_THAT(ErrorOf("data: {directory: \"\"}"), HasSubstr("data.directory is empty"));
  EXPECT_THAT(ErrorOf("grpc: {listen: \"7430\"}"), HasSubstr("host:port"));
}

TEST_F(LoadConfigTest, AKeyGivenTwiceIsRefused) {
  EXPECT_THAT(ErrorOf("role: all\nrole: shard\n"), AllOf(HasSubstr(":2"), HasSubstr("twice")));
}

TEST_F(LoadConfigTest, AFileThatIsNotYamlOrNotThereIsRefusedWithItsName) {
  EXPECT_THAT(ErrorOf("role: [all\n"), HasSubstr("kithd.yaml:"));
  EXPECT_THAT(ErrorOf("just text\n"), HasSubstr("must be a map"));
  const auto missing =
      LoadConfig({.file = directory_ + "/none.yaml", .environment = {}, .flags = {}});
  EXPECT_THAT(std::string(missing.status().message()),
              AllOf(HasSubstr("none.yaml"), HasSubstr("cannot read")));
  EXPECT_FALSE(LoadConfig({.file = directory_, .environment = {}, .flags = {}}).ok());
}

TEST_F(LoadConfigTest, AnAddressThatOthersCanReachNeedsInsecureListen) {
  for (const char* address : {"0.0.0.0:7430", "[::]:7430", "10.0.0.1:7430", "example.org:7430"}) {
    const auto loaded = LoadConfig(
        {.file = "", .environment = {}, .flags = {{"--listen", "grpc.listen", address}}});
    EXPECT_THAT(
        std::string(loaded.status().message()),
        AllOf(HasSubstr("--listen"), HasSubstr(address), HasSubstr("insecure_listen: true")));
  }
  const auto said =
      LoadConfig({.file = File("insecure_listen: true\ngrpc: {listen: \"0.0.0.0:7430\"}"),
                  .environment = {},
                  .flags = {}});
  EXPECT_TRUE(said.ok()) << said.status();
  for (const char* address : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(
        LoadConfig({.file = "", .environment = {}, .flags = {{"--listen", "grpc.listen", address}}})
            .ok())
        << address;
  }
}

// What each port needs where other machines can reach it.
TEST_F(LoadConfigTest, AGuardedPortMayBeReached) {
  const std::string tls = "tls: {certificate_file: c, key_file: k";
  const auto loads = [&](const std::string& text) {
    const auto loaded = LoadConfig({.file = File(text), .environment = {}, .flags = {}});
    return loaded.ok() ? std::string() : std::string(loaded.status().message());
  };
  for (const std::string port : {"grpc", "http"}) {
    const std::string open = port + ": {listen: \"0.0.0.0:9\"";
    EXPECT_THAT(loads(open + "}"), AllOf(HasSubstr(port + ".listen"), HasSubstr("not encrypted")));
    EXPECT_THAT(loads(open + "}\nauth: {keys_file: k}"), HasSubstr("not encrypted"));
    EXPECT_THAT(loads(open + ", " + tls + "}}"), HasSubstr("whoever comes is let in"));
    EXPECT_EQ(loads(open + ", " + tls + "}}\nauth: {keys_file: k}"), "");
    EXPECT_EQ(loads(open + ", " + tls + ", client_ca_file: a}}"), "");
    EXPECT_EQ(loads(open + "}\ninsecure_listen: true"), "");
  }
  const std::string node = "role: shard\nnode: {listen: \"0.0.0.0:9\"";
  EXPECT_THAT(loads(node + "}\nauth: {keys_file: k}"), HasSubstr("certificates"));
  EXPECT_EQ(loads(node + ", " + tls + ", client_ca_file: a}}"), "");
  EXPECT_EQ(loads("node: {listen: \"0.0.0.0:9\"}"), "") << "role all has no node port";
}

TEST_F(LoadConfigTest, CertificateAndKeyGoTogetherAndNodesNeedAnAuthority) {
  EXPECT_THAT(ErrorOf("grpc: {tls: {certificate_file: c}}"), HasSubstr("grpc.tls needs both"));
  EXPECT_THAT(ErrorOf("http: {tls: {key_file: k}}"), HasSubstr("http.tls needs both"));
  EXPECT_THAT(ErrorOf("grpc: {tls: {client_ca_file: a}}"), HasSubstr("grpc.tls needs both"));
  EXPECT_THAT(ErrorOf("node: {tls: {certificate_file: c, key_file: k}}"),
              HasSubstr("node.tls needs client_ca_file too"));
}

TEST_F(LoadConfigTest, ACoordinatorNeedsNodesWithDifferentNamesAndAddresses) {
  EXPECT_THAT(ErrorOf("role: coordinator\n"), HasSubstr("cluster.nodes"));
  const std::string head = "role: coordinator\ncluster:\n  nodes:\n";
  EXPECT_THAT(ErrorOf(head + "    - {name: a, address: \"127.0.0.1:1\"}\n"
                             "    - {name: a, address: \"127.0.0.1:2\"}\n"),
              HasSubstr("must differ"));
  EXPECT_THAT(ErrorOf(head + "    - {name: a, adress: \"127.0.0.1:1\"}\n"),
              AllOf(HasSubstr(":4"), HasSubstr("{name: ..., address: host:port}")));
  EXPECT_THAT(ErrorOf(head + "    - {name: \"a b\", address: \"127.0.0.1:1\"}\n"),
              HasSubstr("letters, digits"));
  const auto loaded = LoadConfig({.file = File(head + "    - {name: a, address: \"127.0.0.1:1\"}\n"
                                                      "    - {name: b, address: \"host:2\"}\n"),
                                  .environment = {},
                                  .flags = {}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.cluster.nodes,
            (std::vector<NodeAddress>{{"a", "127.0.0.1:1"}, {"b", "host:2"}}));
}

TEST_F(LoadConfigTest, ANodeIsWhatTheFileSaysAndNothingElse) {
  const std::string head = "role: coordinator\ncluster:\n  nodes:\n";
  EXPECT_THAT(ErrorOf(head + "    - {name: \"a=127.0.0.1:1,b\", address: \"127.0.0.1:2\"}\n"),
              AllOf(HasSubstr(":4"), HasSubstr("',' or '='")));
  EXPECT_THAT(ErrorOf(head + "    - {name: a, address: \"127.0.0.1:1,b=127.0.0.1:2\"}\n"),
              HasSubstr("',' or '='"));
  EXPECT_THAT(ErrorOf(head + "    - {name: a, address: \"127.0.0.1:0\"}\n"),
              HasSubstr("the port on which the node listens"));
}

TEST_F(LoadConfigTest, AListWhereOneValueBelongsIsRefused) {
  EXPECT_THAT(ErrorOf("role: all\ndata: {directory: [{name: a, address: b}]}\n"),
              AllOf(HasSubstr(":2"), HasSubstr("data.directory is a list")));
  EXPECT_THAT(ErrorOf("log: {file: []}\n"), HasSubstr("log.file is a list"));
}

TEST_F(LoadConfigTest, AFewNamesForMapsInMapsAreNotKeysWithoutEnd) {
  std::string text = "a0: &a0 {x: 1}\n";
  for (int level = 1; level <= 4; ++level) {
    text += fmt::format("a{0}: &a{0} {{", level);
    for (int i = 0; i < 10; ++i) text += fmt::format("k{}: *a{}, ", i, level - 1);
    text += "}\n";
  }
  EXPECT_THAT(ErrorOf(text), HasSubstr("more than 1000 keys"));
}

TEST_F(LoadConfigTest, BytesThatTheParserDoesNotGetOverAreRefused) {
  EXPECT_THAT(ErrorOf(", *a].x=::1:\n0\n"), HasSubstr("second document"));
}

TEST_F(LoadConfigTest, ASecondDocumentIsRefused) {
  EXPECT_THAT(ErrorOf("role: all\n---\nrole: shard\n"),
              AllOf(HasSubstr(":3"), HasSubstr("second document")));
  EXPECT_TRUE(LoadConfig({.file = File(""), .environment = {}, .flags = {}}).ok());
}

TEST_F(LoadConfigTest, NodesCanComeFromTheEnvironment) {
  const auto loaded = LoadConfig(
      {.file = "",
       .environment = {"KITH__ROLE=coordinator", "KITH__CLUSTER__NODES=a=127.0.0.1:1,b=[::1]:2"},
       .flags = {}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.cluster.nodes.size(), 2u);
  EXPECT_EQ(loaded->config.cluster.nodes[1].address, "[::1]:2");
}

TEST_F(LoadConfigTest, TwoServersOnOnePortAreRefused) {
  EXPECT_THAT(ErrorOf("http: {listen: \"127.0.0.1:7430\"}"), HasSubstr("a port each"));
}

TEST_F(LoadConfigTest, BackupsAndDataMustNotLieInOneAnother) {
  for (const std::string backup : {"data", "./data", "data/backups", "data/../data/x", "."}) {
    EXPECT_THAT(ErrorOf("data: {directory: data}\nbackup: {directory: \"" + backup + "\"}"),
                HasSubstr("lie in one another"))
        << backup;
  }
  for (const std::string backup : {"data-backups", "backups", "../data", "\"\""}) {
    const auto loaded =
        LoadConfig({.file = File("data: {directory: data}\nbackup: {directory: " + backup + "}"),
                    .environment = {},
                    .flags = {}});
    EXPECT_TRUE(loaded.ok()) << backup << ": " << loaded.status();
  }
}

TEST_F(LoadConfigTest, BackupsAreOfRoleAllAlone) {
  EXPECT_THAT(ErrorOf("role: shard\nbackup: {directory: b}"),
              AllOf(HasSubstr("kithd.yaml:2"), HasSubstr("role shard")));
}

TEST_F(LoadConfigTest, TheDocumentedFileNamesEveryKeyWithItsDefault) {
  const auto documented =
      LoadConfig({.file = KITH_SOURCE_DIR "/deploy/kithd.yaml", .environment = {}, .flags = {}});
  ASSERT_TRUE(documented.ok()) << documented.status();
  const auto defaults = LoadConfig({});
  for (const Field& field : AllFields()) {
    EXPECT_TRUE(documented->sources.contains(field.path)) << field.path << " is not documented";
    EXPECT_EQ(field.show(documented->config), field.show(defaults->config)) << field.path;
  }
}

}  // namespace
}  // namespace kith::config
