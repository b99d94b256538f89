#include "shard/parts/posting_run.h"

#include <algorithm>
#include <numeric>

namespace kith::shard {

size_t PostingRun::Field::LowerBound(std::string_view value) const {
  size_t low = 0;
  for (size_t count = value_ends.size(); count > 0;) {
    const size_t half = count / 2;
    if (Value(low + half) < value) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

size_t PostingRun::Field::UpperBound(std::string_view value) const {
  const size_t at = LowerBound(value);
  return at < value_ends.size() && Value(at) == value ? at + 1 : at;
}

void PostingRun::Field::StartValue(std::string_view value) {
  values.append(value);
  value_ends.push_back(static_cast<uint32_t>(values.size()));
  row_begins.push_back(static_cast<uint32_t>(rows.size()));
}

void PostingRun::Field::AddRows(const Field& from, size_t i, uint32_t shift) {
  for (uint32_t at = from.row_begins[i]; at < from.RowEnd(i); ++at) {
    rows.push_back(static_cast<uint16_t>(from.rows[at] + shift));
  }
}

void PostingRun::Builder::Add(uint16_t field, std::string_view value, uint32_t row) {
  if (field >= run_->fields_.size()) run_->fields_.resize(field + size_t{1});
  Field& postings = run_->fields_[field];
  const size_t values = postings.value_ends.size();
  if (values == 0 || postings.Value(values - 1) != value) postings.StartValue(value);
  postings.rows.push_back(static_cast<uint16_t>(row - run_->begin_));
}

std::shared_ptr<const PostingRun> PostingRun::Make(uint32_t begin, uint32_t end,
                                                   std::span<const Posting> postings) {
  Builder builder(begin, end);
  for (const Posting& posting : postings) builder.Add(posting.field, posting.value, posting.row);
  return builder.Finish();
}

PostingRun::Field PostingRun::MergeFields(const Field& a, const Field& b, uint32_t shift) {
  Field merged;
  merged.rows.reserve(a.rows.size() + b.rows.size());
  merged.values.reserve(a.values.size() + b.values.size());
  const size_t a_end = a.value_ends.size();
  const size_t b_end = b.value_ends.size();
  for (size_t i = 0, j = 0; i < a_end || j < b_end;) {
    const bool from_a = i < a_end && (j == b_end || a.Value(i) <= b.Value(j));
    const bool from_b = j < b_end && (i == a_end || b.Value(j) <= a.Value(i));
    merged.StartValue(from_a ? a.Value(i) : b.Value(j));
    if (from_a) merged.AddRows(a, i++, 0);
    if (from_b) merged.AddRows(b, j++, shift);
  }
  return merged;
}

std::shared_ptr<const PostingRun> PostingRun::Merge(const PostingRun& a, const PostingRun& b) {
  std::shared_ptr<PostingRun> run(new PostingRun(a.begin_, b.end_));
  const Field none;
  for (size_t field = 0; field < std::max(a.fields_.size(), b.fields_.size()); ++field) {
    run->fields_.push_back(MergeFields(field < a.fields_.size() ? a.fields_[field] : none,
                                       field < b.fields_.size() ? b.fields_[field] : none,
                                       b.begin_ - a.begin_));
  }
  return run;
}

std::shared_ptr<const PostingRun> PostingRun::Without(uint16_t field) const {
  std::shared_ptr<PostingRun> run(new PostingRun(begin_, end_));
  run->fields_.resize(fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (i != field) run->fields_[i] = fields_[i];
  }
  return run;
}

uint64_t PostingRun::memory_bytes() const {
  return std::accumulate(fields_.begin(), fields_.end(), uint64_t{sizeof(*this)},
                         [](uint64_t sum, const Field& field) {
                           return sum + sizeof(field) + field.values.capacity() +
                                  field.value_ends.capacity() * sizeof(uint32_t) +
                                  field.row_begins.capacity() * sizeof(uint32_t) +
                                  field.rows.capacity() * sizeof(uint16_t);
                         });
}

// Of the values [first, last): their rows are one stretch.
void PostingRun::SetRows(const Field& field, size_t first, size_t last, RowWords& words) const {
  if (first >= last) return;
  const uint32_t stop = field.RowEnd(last - 1);
  for (uint32_t at = field.row_begins[first]; at < stop; ++at) {
    const uint32_t row = begin_ + field.rows[at];
    words[row >> 6] |= uint64_t{1} << (row & 63);
  }
}

void PostingRun::AddRowsOf(uint16_t field, std::string_view value, RowWords& words) const {
  AddRowsIn(field, {ValueRange::End{value, true}, ValueRange::End{value, true}}, words);
}

void PostingRun::AddRowsIn(uint16_t field, const ValueRange& range, RowWords& words) const {
  if (field >= fields_.size()) return;
  const Field& postings = fields_[field];
  size_t first = 0;
  if (range.low.has_value()) {
    first = range.low->is_inclusive ? postings.LowerBound(range.low->value)
                                    : postings.UpperBound(range.low->value);
  }
  size_t last = postings.value_ends.size();
  if (range.high.has_value()) {
    last = range.high->is_inclusive ? postings.UpperBound(range.high->value)
                                    : postings.LowerBound(range.high->value);
  }
  SetRows(postings, first, last, words);
}

void PostingRun::AddRowsWith(uint16_t field, RowWords& words) const {
  if (field < fields_.size()) SetRows(fields_[field], 0, fields_[field].value_ends.size(), words);
}

}  // namespace kith::shard
