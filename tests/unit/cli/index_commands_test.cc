#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/console/json_output.h"
#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class IndexCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.Add("c", 2, v1::METRIC_L2, v1::ELEMENT_TYPE_F32);
    AddVersion("v-new", v1::IndexVersion::STATE_SERVING);
    AddVersion("v-old", v1::IndexVersion::STATE_PREVIOUS);
    AddVersion("v-next", v1::IndexVersion::STATE_WAITING);
    v1::IndexVersion& serving = *server_.versions.mutable_versions(0);
    serving.mutable_at_target()->set_recall_at_10(0.9612);
    serving.mutable_at_target()->set_scanned_share(0.0231);
    serving.mutable_comparison()->set_recall_gain(0.0125);
    serving.mutable_health()->set_drift_ratio(0.031);
    serving.mutable_health()->set_imbalance_ratio(4.25);
    serving.mutable_health()->set_growth_ratio(0.5);
  }
  void AddVersion(const std::string& name, v1::IndexVersion::State state) {
    v1::IndexVersion& version = *server_.versions.add_versions();
    version.set_version(name);
    version.set_state(state);
    version.set_trained_points(1'234'567);
    version.add_shards()->set_ready(true);
  }
  Ran Run(std::vector<std::string> words) {
    words.insert(words.end(), {"--endpoint", server_.endpoint()});
    return RunKith(words);
  }

  FakeServer server_;
  TestFolder folder_;
};

TEST_F(IndexCommands, ListShowsEachVersionWithWhatItMeasuredAndHowItFares) {
  server_.versions.mutable_versions(1)->mutable_shards(0)->set_ready(false);
  server_.versions.mutable_versions(1)->mutable_shards(0)->set_message("shard 3 is being encoded");
  const Ran ran = Run({"index", "list", "c"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("v-new"), HasSubstr("serving"), HasSubstr("previous"),
                             HasSubstr("waiting"), HasSubstr("1,234,567")));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("0.9612"), HasSubstr("2.31 %"), HasSubstr("+0.0125"),
                             HasSubstr("3.10 %"), HasSubstr("4.2"), HasSubstr("+50.0 %")));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("0 of 1"), HasSubstr("shard 3 is being encoded")));
  const Ran json = Run({"index", "list", "c", "--json", "-"});
  const Json versions = Json::parse(json.out);
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_EQ(versions[0]["state"], "serving");
  EXPECT_EQ(versions[0]["comparison"]["recall_gain"], 0.0125);
  EXPECT_EQ(versions[0]["health"]["drift_ratio"], 0.031);
  EXPECT_TRUE(versions[1]["comparison"].is_null());
  EXPECT_EQ(versions[1]["shards"][0]["message"], "shard 3 is being encoded");
}

TEST_F(IndexCommands, PromoteTakesTheOneThatWaitsOrTheOneThatIsNamed) {
  const Ran waiting = Run({"index", "promote", "c"});
  ASSERT_EQ(waiting.code, 0) << waiting.err;
  EXPECT_THAT(waiting.out, HasSubstr("c serves index version v-next\n"));
  const Ran named = Run({"index", "promote", "c", "v-old"});
  EXPECT_THAT(named.out, HasSubstr("c serves index version v-old\n"));
  const Ran unknown = Run({"index", "promote", "c", "v-x"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("INDEX_VERSION_NOT_FOUND"));
}

TEST_F(IndexCommands, RollbackServesTheOneBefore) {
  const Ran ran = Run({"index", "rollback", "c"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("c serves index version v-old again\n"));
  const Ran again = Run({"index", "rollback", "c"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("nothing served before"));
}

TEST_F(IndexCommands, DropTakesAnyButTheServingOne) {
  EXPECT_EQ(Run({"index", "drop", "c"}).code, 2) << "which one must be said";
  const Ran serving = Run({"index", "drop", "c", "v-new"});
  EXPECT_EQ(serving.code, 1);
  EXPECT_THAT(serving.err, HasSubstr("INDEX_VERSION_SERVING"));
  const Ran ran = Run({"index", "drop", "c", "v-old"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("dropped index version v-old of c"), HasSubstr("v-new")));
  EXPECT_EQ(server_.versions.versions_size(), 2);
}

TEST_F(IndexCommands, TrainSaysThatTheVersionWaitsAndWhy) {
  server_.on_poll = [](uint64_t) {
    v1::Operation operation;
    operation.set_state(v1::Operation::STATE_SUCCEEDED);
    operation.set_result("v-abc");
    operation.set_promoted(false);
    operation.set_not_promoted_reason("promotion by hand was asked for");
    operation.mutable_comparison()->mutable_trained()->set_recall_at_10(0.91);
    operation.mutable_comparison()->mutable_serving()->set_recall_at_10(0.95);
    operation.mutable_comparison()->set_recall_gain(-0.04);
    return operation;
  };
  const Ran ran = Run({"collection", "train", "c", "--no-promote"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(server_.last_training.has_auto_promote());
  EXPECT_FALSE(server_.last_training.auto_promote());
  EXPECT_THAT(ran.out, AllOf(HasSubstr("v-abc waits"), HasSubstr("by hand"),
                             HasSubstr("kith index promote c v-abc"), HasSubstr("-0.0400"),
                             HasSubstr("0.9500"), Not(HasSubstr("c serves"))));
}

TEST_F(IndexCommands, TrainTakesALeastGainOrNoPromotionButNotBoth) {
  server_.on_poll = [](uint64_t) {
    v1::Operation operation;
    operation.set_state(v1::Operation::STATE_SUCCEEDED);
    operation.set_result("v-abc");
    operation.set_promoted(true);
    return operation;
  };
  ASSERT_EQ(Run({"collection", "train", "c", "--min-recall-gain", "0.01"}).code, 0);
  EXPECT_EQ(server_.last_training.min_recall_gain(), 0.01);
  EXPECT_FALSE(server_.last_training.has_auto_promote());
  EXPECT_EQ(Run({"collection", "train", "c", "--min-recall-gain", "0.01", "--no-promote"}).code, 2);
}

TEST_F(IndexCommands, GetShowsHowFarTheRowsHaveMoved) {
  v1::IndexHealth& health = *server_.at("c").facts.mutable_health();
  health.set_drift_ratio(0.0123);
  health.set_imbalance_ratio(7.5);
  health.set_growth_ratio(0.25);
  const Ran ran = Run({"collection", "get", "c"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("+25.0 % points"), HasSubstr("1.23 %"), HasSubstr("7.5 times")));
}

}  // namespace
}  // namespace kith::cli
