#include "index/gpu/resident_index.h"

#include <algorithm>
#include <utility>

#include "index/gpu/block_scratch.h"
#include "index/gpu/sort_body.h"
#include "index/gpu/tile_schedule.h"

namespace kith::index::gpu {
namespace {

bool IsAmong(Segments segments, const ListSegment* segment) {
  return std::any_of(segments.begin(), segments.end(),
                     [segment](const auto& one) { return one.get() == segment; });
}

// As many blocks of one table fit a multiprocessor.
constexpr uint32_t kBlocksOfMultiprocessor = 3;

}  // namespace

PlannedLoad LoadOf(Segments segments, uint32_t lists, double growth) {
  uint64_t rows = 0;
  PlannedLoad load;
  for (const auto& segment : segments) rows += segment->rows();
  load.page_vectors = PageVectors(rows, lists);
  for (const auto& segment : segments) {
    load.pages += PagesOfSegment(*segment, lists, load.page_vectors);
  }
  load.pages += static_cast<uint64_t>(growth * static_cast<double>(load.pages));
  load.pages = std::max<uint64_t>(load.pages, 1);
  load.rows_end = rows;
  return load;
}

Result<std::unique_ptr<ResidentIndex>> ResidentIndex::Create(
    Card& card, std::shared_ptr<const IndexVersion> version, const ResidentOptions& options) {
  const IndexParameters& p = version->parameters;
  if (const std::string fault = ShapeFault(p); !fault.empty()) {
    return Status(Code::kInvalidArgument, kCardShape, fault);
  }
  const CardReport report = card.report();
  const size_t shared_bytes = ScratchBytes(MakeScanShape(p.subspaces));
  if (shared_bytes > report.block_shared_bytes) {
    return Status(Code::kInvalidArgument, kCardShape,
                  "plane A of " + std::to_string(p.subspaces) + " bytes takes " +
                      std::to_string(shared_bytes) + " bytes of shared memory, a block of " +
                      report.name + " has " + std::to_string(report.block_shared_bytes));
  }
  const CardPlan plan = PlanCard(p, options.load, options.limits);
  if (const std::string fault = RoomFault(plan, report.free_bytes); !fault.empty()) {
    return Status(Code::kResourceExhausted, kCardTooSmall, fault);
  }
  std::unique_ptr<ResidentIndex> index(new ResidentIndex(card, std::move(version), options));
  if (Status status = index->Allocate(); !status.ok()) return status;
  return index;
}

Status ResidentIndex::Allocate() {
  const IndexParameters& p = version_->parameters;
  const PlannedLoad& load = options_.load;
  card_blocks_ = card_.report().multiprocessors * kBlocksOfMultiprocessor;
  Status status = quantizer_.Load(card_, *version_);
  if (status.ok()) status = slab_.Allocate(card_, p, {load.pages, load.page_vectors});
  if (status.ok()) status = staging_.Allocate(card_, slab_, p.dimension);
  if (status.ok()) status = dead_rows_.Allocate(card_, load.rows_end);
  if (status.ok()) status = allowed_rows_.Allocate(card_, load.rows_end);
  if (status.ok()) status = batch_memory_.Allocate(card_, quantizer_.view(), options_.limits);
  for (HostBatch& batch : batches_) {
    if (status.ok()) status = batch.Allocate(card_, quantizer_.view(), options_.limits);
  }
  if (status.ok()) status = segment_views_.Allocate(card_, options_.limits.segments_max);
  return status;
}

Result<bool> ResidentIndex::DropUnwanted(Segments wanted) {
  const bool drops_loader = loader_ != nullptr && !IsAmong(wanted, loader_->segment());
  const auto unwanted = std::find_if(images_.begin(), images_.end(), [&](const auto& image) {
    return !IsAmong(wanted, image->segment.get());
  });
  if (!drops_loader && unwanted == images_.end()) return false;
  // A batch may be looking at it.
  if (Status status = card_.Wait(); !status.ok()) return status;
  is_full_ = false;
  if (drops_loader) {
    loader_.reset();
    return true;
  }
  slab_.GiveBack((*unwanted)->pages);
  images_.erase(unwanted);
  return true;
}

Status ResidentIndex::LoadSome() {
  if (Status status = loader_->Step(); !status.ok()) return status;
  if (loader_->is_done()) {
    images_.push_back(loader_->TakeImage());
    loader_.reset();
  }
  return {};
}

Result<bool> ResidentIndex::Step(Segments wanted) {
  const Result<bool> dropped = DropUnwanted(wanted);
  if (!dropped.ok() || *dropped) return dropped;
  if (loader_ == nullptr && !is_full_) {
    for (const auto& segment : wanted) {
      if (Has(segment.get())) continue;
      if (images_.size() == options_.limits.segments_max) {
        is_full_ = true;
        break;
      }
      loader_ = std::make_unique<SegmentLoader>(
          SegmentLoader::Place{card_, slab_, staging_, *version_, options_.threads}, segment);
      const Status begun = loader_->Begin();
      if (begun.ok()) break;
      loader_.reset();
      if (begun.code() != Code::kResourceExhausted) return begun;
      is_full_ = true;  // a smaller one might fit; but the next merge brings it anew
      break;
    }
  }
  if (loader_ == nullptr) return false;
  if (Status status = LoadSome(); !status.ok()) return status;
  return true;
}

bool ResidentIndex::Has(const ListSegment* segment) const {
  return std::any_of(images_.begin(), images_.end(),
                     [segment](const auto& image) { return image->segment.get() == segment; });
}

uint64_t ResidentIndex::rows() const {
  uint64_t rows = 0;
  for (const auto& image : images_) {
    rows += image->segment->rows() - image->segment->side_rows().size();
  }
  return rows;
}

ResidentMemory ResidentIndex::memory() const {
  ResidentMemory memory;
  memory.codes = slab_.code_bytes();
  memory.refine = slab_.refine_bytes();
  memory.rows = slab_.row_bytes() + segment_views_.bytes();
  for (const auto& image : images_) memory.rows += image->bytes();
  memory.quantizer = quantizer_.bytes();
  memory.tombstones = dead_rows_.bytes();
  memory.filter = allowed_rows_.bytes();
  memory.work = batch_memory_.card_bytes();
  return memory;
}

Status ResidentIndex::SendSegments(Segments segments, BatchView& view) {
  std::vector<SegmentView> views;
  for (const auto& image : images_) {
    if (IsAmong(segments, image->segment.get())) views.push_back(image->view());
  }
  view.segments = segment_views_.data();
  view.segment_count = static_cast<uint32_t>(views.size());
  const auto is_same = [](const SegmentView& a, const SegmentView& b) {
    return a.begins == b.begins && a.counts == b.counts && a.pages == b.pages;
  };
  if (std::equal(views.begin(), views.end(), sent_views_.begin(), sent_views_.end(), is_same)) {
    return {};
  }
  sent_views_ = views;
  if (views.empty()) return {};
  const Status status =
      card_.CopyIn({segment_views_.data(), views.data(), views.size() * sizeof(SegmentView)});
  return status.ok() ? card_.Wait() : status;  // `views` goes
}

// Few queries share the card's blocks; many have one each, or share lists.
BatchLaunch ResidentIndex::LaunchFor(const Filled& filled) {
  const auto [slot, queries] = filled;
  HostBatch& batch = batches_[slot];
  BatchLaunch launch;
  uint64_t visits = 0;
  for (uint32_t i = 0; i < queries; ++i) {
    uint32_t rounds = 0;
    while (!ListsOfRound(batch.record(i), rounds).is_empty()) ++rounds;
    launch.rounds = std::max(launch.rounds, rounds);
    visits += batch.record(i).nprobe;
  }
  const double lists = version_->parameters.lists;
  if (queries > 1 && static_cast<double>(visits) >= options_.pair_visits * lists) {
    launch.pair_blocks = card_blocks_;
    return launch;
  }
  launch.slices = std::clamp(std::min(card_blocks_, options_.limits.batch_max) / queries, 1u, 512u);
  return launch;
}

// What a filter lets through is alive.
Status ResidentIndex::SendRows(const Scope& scope, BatchView& view) {
  if (scope.allowed != nullptr) {
    const Status status = allowed_rows_.Hold(card_, *scope.allowed);
    view.allowed_rows = allowed_rows_.bits();
    view.lists_given = true;
    return status;
  }
  const Status status = dead_rows_.Follow(card_, scope.tombstones, scope.rows_end);
  view.dead_rows = dead_rows_.bits();
  return status;
}

Result<ResidentIndex::Running> ResidentIndex::Start(const Scope& scope, const Filled& filled) {
  HostBatch& batch = batches_[filled.slot];
  Running running{filled.slot, {}, 0};
  BatchView& view = running.view;
  view.quantizer = quantizer_.view();
  view.slab = slab_.view();
  view.queries = filled.queries;
  uint32_t keep = 1;
  for (uint32_t i = 0; i < view.queries; ++i) keep = std::max(keep, batch.record(i).keep);
  // Twice as many, for those that equal the last of them.
  view.hits_max = std::min(PowerOfTwoFrom(2 * keep + 32), options_.limits.hits_max);
  Status status = SendRows(scope, view);
  if (status.ok()) status = SendSegments(scope.segments, view);
  if (status.ok()) status = batch_memory_.SendQueries(card_, batch, view);
  if (status.ok()) status = card_.Run(view, LaunchFor(filled));
  if (status.ok()) status = batch_memory_.FetchResults(card_, view, batch);
  if (!status.ok()) return status;
  const Result<uint64_t> mark = card_.Mark();
  if (!mark.ok()) return mark.status();
  running.mark = *mark;
  return running;
}

}  // namespace kith::index::gpu
