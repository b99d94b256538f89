#include "common/auth/key_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"
#include "tests/unit/auth/made_keys.h"

namespace kith::auth {
namespace {

class KeyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { WriteFile(path_, KeyLine(one_.key)); }
  std::unique_ptr<KeyStore> Open() {
    auto store = KeyStore::Open(path_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  static bool Knows(const KeySet& keys, const MadeKey& made) {
    return keys.Authenticate(made.text, 0).ok();
  }

  const test::TemporaryDirectory folder_;
  const std::string path_ = folder_ / "keys";
  const MadeKey one_ = MakeKey("one", {{"*"}, {}, {}});
  const MadeKey two_ = MakeKey("two", {{"*"}, {}, {}});
};

TEST_F(KeyStoreTest, AChangeIsTakenUpOnceAndAnOldSetStaysAsItWas) {
  const auto store = Open();
  EXPECT_FALSE(*store->Refresh());
  const auto before = store->keys();
  ASSERT_TRUE(AddToKeyFile(path_, two_.key).ok());
  ASSERT_TRUE(RemoveFromKeyFile(path_, "one").ok());
  EXPECT_TRUE(*store->Refresh());
  EXPECT_FALSE(*store->Refresh());
  EXPECT_TRUE(Knows(*before, one_));
  EXPECT_FALSE(Knows(*store->keys(), one_));
  EXPECT_TRUE(Knows(*store->keys(), two_));
}

TEST_F(KeyStoreTest, AWrongFileIsReportedOnceAndTheKeysFromBeforeStay) {
  const auto store = Open();
  WriteFile(path_, "nonsense\n");
  EXPECT_FALSE(store->Refresh().ok());
  EXPECT_FALSE(*store->Refresh());
  EXPECT_TRUE(Knows(*store->keys(), one_));
  WriteFile(path_, KeyLine(two_.key));
  EXPECT_TRUE(*store->Refresh());
  EXPECT_TRUE(Knows(*store->keys(), two_));
}

TEST_F(KeyStoreTest, AFileThatIsOpenedToOthersOrGoneIsReportedAndTheKeysStay) {
  const auto store = Open();
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  EXPECT_FALSE(store->Refresh().ok());
  std::filesystem::remove(path_);
  EXPECT_FALSE(store->Refresh().ok());
  EXPECT_FALSE(*store->Refresh());
  EXPECT_TRUE(Knows(*store->keys(), one_));
}

TEST_F(KeyStoreTest, AServerDoesNotBeginWithAWrongFile) {
  EXPECT_FALSE(KeyStore::Open(folder_ / "none").ok());
  WriteFile(path_, "nonsense\n");
  EXPECT_FALSE(KeyStore::Open(path_).ok());
}

}  // namespace
}  // namespace kith::auth
