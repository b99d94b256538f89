#include "cli/dataset/generated_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "cli/dataset/parallel.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kHeaderBytes = 8;  // positions are those of the file that would hold the rows
constexpr uint64_t kAheadBytes = 32 << 20;

uint64_t ChunksOf(uint64_t rows) {
  return (rows + ClusteredModel::kChunkRows - 1) / ClusteredModel::kChunkRows;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorReader>> GeneratedReader::Open(const std::string& path,
                                                                    uint32_t threads) {
  KITH_ASSIGN_OR_RETURN(const DrawnVectors vectors, ReadDescription(path));
  return std::unique_ptr<VectorReader>(new GeneratedReader(path, vectors, threads));
}

GeneratedReader::GeneratedReader(const std::string& path, const DrawnVectors& vectors,
                                 uint32_t threads)
    : path_(path), vectors_(vectors), thread_count_(threads), model_(vectors.model) {
  shape_.format = vectors.element_type == ElementType::kU8 ? "u8bin" : "fbin";
  shape_.element_type = vectors.element_type;
  shape_.dimension = vectors.model.dimension;
  shape_.rows = vectors.rows;
  shape_.bytes = At(vectors.rows).byte;
  const uint64_t fit = kAheadBytes / (ClusteredModel::kChunkRows * shape_.row_bytes());
  slots_.resize(std::clamp<uint64_t>(fit, 2 * threads, std::max<uint64_t>(2 * threads, 256)));
}

GeneratedReader::~GeneratedReader() { StopThreads(); }

FilePosition GeneratedReader::At(uint64_t row) const {
  return {row, kHeaderBytes + row * shape_.row_bytes()};
}

absl::Status GeneratedReader::Seek(FilePosition position) {
  if (position.row > vectors_.rows) {
    return Error(
        absl::StatusCode::kOutOfRange, reason::kBadRequest,
        fmt::format("{}: there is no row {}, it has {}", path_, position.row, vectors_.rows));
  }
  StopThreads();
  next_row_ = position.row;
  return absl::OkStatus();
}

void GeneratedReader::StartThreads() {
  stopped_ = false;
  first_kept_ = next_drawn_ = next_row_ / ClusteredModel::kChunkRows;
  for (Slot& slot : slots_) slot.ready = false;
  for (uint32_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { Draw(); });
}

void GeneratedReader::StopThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void GeneratedReader::Draw() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] {
      return stopped_ || next_drawn_ == ChunksOf(vectors_.rows) ||
             next_drawn_ < first_kept_ + slots_.size();
    });
    if (stopped_ || next_drawn_ == ChunksOf(vectors_.rows)) return;
    const uint64_t chunk = next_drawn_++;
    lock.unlock();
    std::vector<std::byte> elements = DrawElements(model_, vectors_, chunk);
    lock.lock();
    Slot& slot = slots_[chunk % slots_.size()];
    slot.chunk = chunk;
    slot.elements = std::move(elements);
    slot.ready = true;
    if (chunk == first_kept_) changed_.notify_all();
  }
}

const std::vector<std::byte>& GeneratedReader::AwaitChunk() {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[first_kept_ % slots_.size()];
  changed_.wait(lock, [&] { return slot.ready && slot.chunk == first_kept_; });
  return slot.elements;
}

void GeneratedReader::LeaveChunk() {
  {
    const std::lock_guard lock(mutex_);
    slots_[first_kept_ % slots_.size()].ready = false;
    ++first_kept_;
  }
  changed_.notify_all();
}

absl::Status GeneratedReader::Next(const BatchLimit& limit, RowBatch& batch) {
  batch.Clear();
  if (threads_.empty() && next_row_ < vectors_.rows) StartThreads();
  const size_t row_bytes = shape_.row_bytes();
  const uint64_t fit = std::max<uint64_t>(1, limit.bytes / row_bytes);
  const uint64_t count = std::min({uint64_t{limit.rows}, fit, vectors_.rows - next_row_});
  batch.begin = At(next_row_);
  batch.end = At(next_row_ + count);
  batch.vectors.resize(count * row_bytes);
  for (uint64_t done = 0; done < count;) {
    const uint64_t offset = next_row_ % ClusteredModel::kChunkRows;
    const uint64_t rows = std::min(count - done, ClusteredModel::kChunkRows - offset);
    std::memcpy(batch.vectors.data() + done * row_bytes, AwaitChunk().data() + offset * row_bytes,
                rows * row_bytes);
    for (uint64_t i = 0; i < rows; ++i) batch.row_numbers.push_back(next_row_ + i);
    next_row_ += rows;
    done += rows;
    if (next_row_ % ClusteredModel::kChunkRows == 0) LeaveChunk();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<VectorReader>> OpenVectors(const std::string& path,
                                                          uint32_t dimension) {
  if (std::filesystem::path(path).extension() == ".kgen") {
    return GeneratedReader::Open(path, Cores());
  }
  return OpenVectorFile(path, dimension);
}

}  // namespace kith::cli
