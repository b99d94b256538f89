#include "tests/unit/shard/node_fixture.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

namespace kith::shard {
namespace {

namespace fs = std::filesystem;

// Starts a call and waits for its answer.
template <typename Reply, typename Start>
absl::StatusOr<Reply> Await(Start start) {
  std::promise<absl::StatusOr<Reply>> promise;
  start([&](absl::StatusOr<Reply> reply) { promise.set_value(std::move(reply)); });
  return promise.get_future().get();
}

}  // namespace

void NodeFixture::SetUp() {
  std::string name = (fs::temp_directory_path() / "kith-node-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  directory_ = name;
  real_files_ = storage::NewPosixFileSystem();
  if (options_.files == nullptr) options_.files = real_files_.get();
  options_.directory = directory_;
  options_.clock = &clock_;
  ASSERT_TRUE(Start().ok());
}

void NodeFixture::TearDown() {
  node_.reset();
  fs::remove_all(directory_);
}

NodeOptions NodeFixture::SmallOptions() {
  NodeOptions options;
  options.search_threads = 2;
  options.write_buffer_bytes = 4 << 20;
  options.block_cache_bytes = 8 << 20;
  options.admission.disk_reserve_bytes = 1 << 20;
  return options;
}

absl::Status NodeFixture::Start() {
  node_.reset();
  auto node = Node::Open(options_);
  if (!node.ok()) return node.status();
  node_ = *std::move(node);
  return absl::OkStatus();
}

ShardSpec NodeFixture::Spec(uint32_t dimension, Metric metric, ElementType type) {
  ShardSpec spec;
  spec.shard = 7;
  spec.collection = "c";
  spec.incarnation.bytes[0] = 9;
  spec.dimension = dimension;
  spec.metric = metric;
  spec.element_type = type;
  spec.slots = {{0, limits::kSlots}};
  return spec;
}

absl::StatusOr<WriteReply> NodeFixture::Write(WriteCall call) {
  call.shard = shard_;
  call.incarnation = Spec(1).incarnation;
  return Await<WriteReply>(
      [&](auto done) { node_->Write(std::move(call), Soon(), std::move(done)); });
}

absl::StatusOr<SearchReply> NodeFixture::Search(SearchCall call) {
  call.shard = shard_;
  call.incarnation = Spec(1).incarnation;
  return Await<SearchReply>(
      [&](auto done) { node_->Search(std::move(call), Soon(), std::move(done)); });
}

absl::StatusOr<GetReply> NodeFixture::Get(const std::string& keys) {
  GetCall call;
  call.shard = shard_;
  call.incarnation = Spec(1).incarnation;
  call.keys = keys;
  call.with_vector = true;
  call.with_payload = true;
  return Await<GetReply>([&](auto done) { node_->Get(std::move(call), Soon(), std::move(done)); });
}

absl::StatusOr<ScrollReply> NodeFixture::Scroll(ScrollCall call) {
  call.shard = shard_;
  call.incarnation = Spec(1).incarnation;
  return Await<ScrollReply>(
      [&](auto done) { node_->Scroll(std::move(call), Soon(), std::move(done)); });
}

absl::StatusOr<FacetReply> NodeFixture::Facet(FacetCall call) {
  call.shard = shard_;
  call.incarnation = Spec(1).incarnation;
  return Await<FacetReply>(
      [&](auto done) { node_->Facet(std::move(call), Soon(), std::move(done)); });
}

std::vector<uint64_t> NodeFixture::ScrollAll(ScrollCall call) {
  std::vector<uint64_t> ids;
  while (true) {
    const auto page = Scroll(call);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return ids;
    for (size_t at = 0; at < page->keys.size(); at += PointKey::kSize) {
      ids.push_back(PointKey::FromBytes(page->keys.data() + at).number());
    }
    if (page->at_end) return ids;
    call.after = page->reached.empty() ? page->keys.substr(page->keys.size() - PointKey::kSize)
                                       : page->reached;
    call.slot_begin = SlotOf(PointKey::FromBytes(call.after.data()));
  }
}

WriteCall NodeFixture::Put(uint64_t id, const std::vector<float>& vector,
                           const std::string& payload) {
  WriteCall call;
  call.kinds = {WriteKind::kUpsert};
  call.keys = Key(id);
  call.vectors = Bytes(vector);
  call.payload_sizes = {static_cast<uint32_t>(payload.size())};
  call.payloads = payload;
  return call;
}

WriteCall NodeFixture::Remove(uint64_t id) {
  WriteCall call;
  call.kinds = {WriteKind::kDelete};
  call.keys = Key(id);
  return call;
}

SearchCall NodeFixture::Query(const std::vector<float>& vector, uint32_t limit) {
  SearchCall call;
  call.count = 1;
  call.queries = Bytes(vector);
  call.limit = limit;
  return call;
}

SearchCall NodeFixture::IndexedQuery(const std::vector<float>& vector, uint32_t limit,
                                     const std::string& version) {
  SearchCall call = Query(vector, limit);
  call.index_version = version;
  call.nprobe = 1'000'000;
  call.refine = call.rerank = ~0u;
  return call;
}

std::vector<uint64_t> NodeFixture::Numbers(const SearchReply& reply) {
  std::vector<uint64_t> numbers;
  for (size_t at = 0; at < reply.keys.size(); at += PointKey::kSize) {
    numbers.push_back(PointKey::FromBytes(reply.keys.data() + at).number());
  }
  return numbers;
}

void NodeFixture::Fill(uint64_t first, uint32_t count) {
  for (uint64_t begin = first; begin < first + count; begin += 10'000) {
    WriteCall call;
    for (uint64_t id = begin; id < std::min(first + count, begin + 10'000); ++id) {
      const auto x = static_cast<float>(id);
      call.kinds.push_back(WriteKind::kUpsert);
      call.keys += Key(id);
      call.vectors += Bytes({std::cos(0.1f * x) * x, std::sin(0.1f * x) * x});
    }
    const auto reply = Write(std::move(call));
    ASSERT_TRUE(reply.ok()) << reply.status();
  }
}

std::string NodeFixture::Train(uint32_t lists) {
  return Train({"job", 2, Metric::kL2, ElementType::kF32, lists, 1, 1});
}

std::string NodeFixture::Train(const StartTrainingCall& start) {
  const auto hashes = node_->SampleHashes({7, 1, 10'000}, Soon());
  TrainingChunk chunk{"job", start.dimension, start.element_type, {}};
  chunk.sample = *node_->ReadSample({7, 1, 0, 0, 1 << 20}, Soon());
  EXPECT_EQ(chunk.sample.hashes.size(), hashes->size());
  EXPECT_TRUE(node_->AddTrainingChunk(chunk, Soon()).ok());
  EXPECT_TRUE(node_->StartTraining(start, Soon()).ok());
  absl::StatusOr<TrainingState> state = TrainingState();
  EXPECT_TRUE(Within(std::chrono::seconds(60), [&] {
    state = node_->GetTraining("job", Soon());
    return !state.ok() || state->done;
  }));
  EXPECT_TRUE(state.ok()) << state.status();
  (void)node_->CancelTraining("job", Soon());
  return state.ok() ? state->artifact : "";
}

bool NodeFixture::IsReady(const std::string& version) const {
  const auto stat = node_->Stat(shard_, Soon());
  if (!stat.ok()) return false;
  return std::any_of(stat->indexes.begin(), stat->indexes.end(), [&](const IndexState& index) {
    return index.version == version && index.ready;
  });
}

void NodeFixture::TrainAndBuild(uint32_t lists, std::string& version) {
  version = Train(lists);
  ASSERT_TRUE(node_->BuildIndex(7, version, Soon()).ok());
  ASSERT_TRUE(Within(std::chrono::seconds(60), [&] { return IsReady(version); }));
}

std::string NodeFixture::ShardPath(ShardId shard) const {
  for (const auto& entry : fs::directory_iterator(directory_ + "/shard")) {
    const std::string name = entry.path().filename();
    if (name.starts_with(std::to_string(shard) + "-")) return entry.path();
  }
  return "";
}

std::vector<std::string> NodeFixture::FilesIn(const std::string& folder,
                                              const std::string& ending) const {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(ShardPath() + "/" + folder)) {
    if (entry.path().string().ends_with(ending)) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void NodeFixture::ExpectVerified(uint64_t live_points) {
  const auto verified = node_->Verify(shard_, Soon());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->truth_mismatches, 0u);
  EXPECT_EQ(verified->index_mismatches, 0u);
  EXPECT_EQ(verified->live_points, live_points);
}

}  // namespace kith::shard
