#ifndef KITH_SHARD_PARTS_POSTING_RUN_H_
#define KITH_SHARD_PARTS_POSTING_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kith::shard {

// The rows of one value of one field.
struct Posting {
  uint16_t field = 0;
  std::string value;  // as EncodeAs gives it
  uint32_t row = 0;

  auto operator<=>(const Posting&) const = default;
};

// One bit a row, row 0 in bit 0 of word 0.
using RowWords = std::vector<uint64_t>;

// Ends of a range of encoded values; absent: open.
struct ValueRange {
  struct End {
    std::string_view value;
    bool is_inclusive = true;
  };
  std::optional<End> low;
  std::optional<End> high;
};

// The postings of up to 65,536 rows side by side, by field: its distinct values in order and, value
// after value, the rows as sixteen bits each. A value is found by binary search, and a range of
// values is one stretch of rows, however many values it has. Rows that have died since stay in it:
// the tombstones hide them.
//
// Threads: immutable.
class PostingRun {
 public:
  static constexpr uint32_t kRowBits = 16;
  static constexpr uint32_t kRowsMax = 1u << kRowBits;
  // Runs do not cross the borders of chunks, so that neighbours in a chunk can be merged.
  static constexpr uint32_t ChunkOf(uint32_t row) { return row >> kRowBits; }

  class Builder;
  // `postings` ascending and each once, with rows of [begin, end), which lie in one chunk.
  static std::shared_ptr<const PostingRun> Make(uint32_t begin, uint32_t end,
                                                std::span<const Posting> postings);
  // Of two of one chunk, `a` before `b`.
  static std::shared_ptr<const PostingRun> Merge(const PostingRun& a, const PostingRun& b);

  bool Has(uint16_t field) const {
    return field < fields_.size() && !fields_[field].value_ends.empty();
  }
  // A copy without one field's postings.
  std::shared_ptr<const PostingRun> Without(uint16_t field) const;

  uint32_t begin() const { return begin_; }
  uint32_t end() const { return end_; }
  uint64_t memory_bytes() const;

  // Sets the bits of the rows whose field has the value, one in the range, or any.
  void AddRowsOf(uint16_t field, std::string_view value, RowWords& words) const;
  void AddRowsIn(uint16_t field, const ValueRange& range, RowWords& words) const;
  void AddRowsWith(uint16_t field, RowWords& words) const;

  // Calls visit(value, rows) for each value of the field that rows whose bits are set have,
  // ascending.
  template <typename Visit>
  void CountValues(uint16_t field, const RowWords& words, Visit visit) const {
    if (field >= fields_.size()) return;
    const Field& postings = fields_[field];
    for (size_t i = 0; i < postings.value_ends.size(); ++i) {
      uint64_t rows = 0;
      for (uint32_t at = postings.row_begins[i]; at < postings.RowEnd(i); ++at) {
        const uint32_t row = begin_ + postings.rows[at];
        rows += (words[row >> 6] >> (row & 63)) & 1;
      }
      if (rows > 0) visit(postings.Value(i), rows);
    }
  }

  // Calls visit(field, value, row) for all, ascending.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t field = 0; field < fields_.size(); ++field) {
      const Field& postings = fields_[field];
      for (size_t i = 0; i < postings.value_ends.size(); ++i) {
        for (uint32_t at = postings.row_begins[i]; at < postings.RowEnd(i); ++at) {
          visit(static_cast<uint16_t>(field), postings.Value(i), begin_ + postings.rows[at]);
        }
      }
    }
  }

 private:
  struct Field {
    std::string values;                // distinct, ascending, one after another
    std::vector<uint32_t> value_ends;  // of each in `values`
    std::vector<uint32_t> row_begins;  // of each in `rows`
    std::vector<uint16_t> rows;        // less the run's begin

    std::string_view Value(size_t i) const {
      const uint32_t begin = i == 0 ? 0 : value_ends[i - 1];
      return std::string_view(values).substr(begin, value_ends[i] - begin);
    }
    uint32_t RowEnd(size_t i) const {
      return i + 1 < row_begins.size() ? row_begins[i + 1] : static_cast<uint32_t>(rows.size());
    }
    // The first value that is not below `value`, or not at or below it.
    size_t LowerBound(std::string_view value) const;
    size_t UpperBound(std::string_view value) const;
    void StartValue(std::string_view value);
    void AddRows(const Field& from, size_t i, uint32_t shift);
  };

  PostingRun(uint32_t begin, uint32_t end) : begin_(begin), end_(end) {}
  void SetRows(const Field& field, size_t first, size_t last, RowWords& words) const;
  static Field MergeFields(const Field& a, const Field& b, uint32_t shift);

  uint32_t begin_;
  uint32_t end_;
  std::vector<Field> fields_;
};

// Makes a run of postings that come ascending and each once.
//
// Threads: one at a time.
class PostingRun::Builder {
 public:
  Builder(uint32_t begin, uint32_t end) : run_(new PostingRun(begin, end)) {}

  void Add(uint16_t field, std::string_view value, uint32_t row);
  std::shared_ptr<const PostingRun> Finish() { return std::move(run_); }

 private:
  std::shared_ptr<PostingRun> run_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_POSTING_RUN_H_
