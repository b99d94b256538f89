#include "coordinator/search/query_examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr size_t kMissingNamedMax = 64;  // the facts of an error travel in a header of 8 KiB

std::string FieldOf(std::string_view kind, size_t i) {
  return fmt::format("examples.{}[{}]", kind, i);
}

void AddPoint(const PointKey& key, std::vector<PointKey>& points) {
  if (std::find(points.begin(), points.end(), key) == points.end()) points.push_back(key);
}

absl::Status CheckCount(std::string_view field, size_t count) {
  if (count <= limits::kExamplesMax) return absl::OkStatus();
  return FieldError(field, reason::kBatchTooLarge,
                    fmt::format("{} examples, at most {} are taken; send those that say most",
                                count, limits::kExamplesMax));
}

absl::Status CheckBestScore(const SearchQuery& query) {
  const std::pair<const char*, bool> excluded[] = {{"page_token", !query.page_token.empty()},
                                                   {"page_depth", query.page_depth.has_value()},
                                                   {"group_by", query.group_by.has_value()}};
  for (const auto& [field, is_given] : excluded) {
    if (is_given) {
      return FieldError(field, reason::kBadRequest,
                        "does not go with examples of STRATEGY_BEST_SCORE; use STRATEGY_AVERAGE");
    }
  }
  const uint32_t limit = query.parameters.limit.value_or(limits::kLimitDefault);
  if (limit <= limits::kBestScoreLimitMax) return absl::OkStatus();
  return FieldError("parameters.limit", reason::kLimitOutOfRange,
                    fmt::format("is {}, with STRATEGY_BEST_SCORE it must be at most {}", limit,
                                limits::kBestScoreLimitMax));
}

// Where each read point stands, and which are missing.
class ReadPoints {
 public:
  ReadPoints(const std::vector<PointKey>& keys, const PointRows& points, const VectorShape& shape)
      : keys_(keys), points_(points), shape_(shape) {}

  const PointRows::Row& Of(const PointKey& key) const {
    const auto at = std::find(keys_.begin(), keys_.end(), key) - keys_.begin();
    return points_.rows[static_cast<size_t>(at)];
  }
  std::vector<PointKey> Missing() const {
    std::vector<PointKey> missing;
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (!points_.rows[i].is_found) missing.push_back(keys_[i]);
    }
    return missing;
  }
  // Appends the vector of each example of a kind.
  absl::Status Append(std::string_view kind, const std::vector<Example>& examples,
                      std::string& out) const {
    for (size_t i = 0; i < examples.size(); ++i) {
      VectorInput input = examples[i].vector;
      if (examples[i].point.has_value()) input = {Of(*examples[i].point).vector, {}};
      const absl::Status status = AppendVector(shape_, input, VectorUse::kQuery, out);
      if (!status.ok()) return AtField(status, FieldOf(kind, i));
    }
    return absl::OkStatus();
  }

 private:
  const std::vector<PointKey>& keys_;
  const PointRows& points_;
  const VectorShape& shape_;
};

// The request's field that names the point.
std::string FieldOf(const SearchQuery& query, const PointKey& key) {
  if (!query.examples.has_value()) return "point";
  const auto place = [&](const std::vector<Example>& examples) {
    return static_cast<size_t>(
        std::find_if(examples.begin(), examples.end(),
                     [&](const Example& example) { return example.point == key; }) -
        examples.begin());
  };
  const size_t at = place(query.examples->positive);
  if (at < query.examples->positive.size()) return FieldOf("positive", at);
  return FieldOf("negative", place(query.examples->negative));
}

absl::Status PointsMissing(const SearchQuery& query, const std::vector<PointKey>& missing) {
  std::string names;
  for (size_t i = 0; i < std::min(missing.size(), kMissingNamedMax); ++i) {
    names += (i == 0 ? "" : ", ") + PointKeyToString(missing[i]);
  }
  const std::string field = FieldOf(query, missing.front());
  return Error(absl::StatusCode::kNotFound, reason::kPointNotFound,
               fmt::format("{}: no point {} in this collection{}", field, names,
                           query.examples.has_value() ? "; leave it out of the examples" : ""),
               {{kFieldFact, field}, {"missing", names}});
}

// The mean of vectors in query form; under cosine of their directions.
std::vector<double> MeanOf(std::string_view vectors, const VectorShape& shape) {
  const size_t bytes = shape.query_bytes();
  const size_t count = vectors.size() / bytes;
  std::vector<double> mean(shape.dimension);
  std::vector<double> one(shape.dimension);
  for (size_t v = 0; v < count; ++v) {
    double squares = 0;
    for (size_t j = 0; j < shape.dimension; ++j) {
      if (QueryType(shape.element_type) == ElementType::kU8) {
        one[j] = static_cast<uint8_t>(vectors[v * bytes + j]);
      } else {
        float value;
        std::memcpy(&value, vectors.data() + v * bytes + j * sizeof(value), sizeof(value));
        one[j] = value;
      }
      squares += one[j] * one[j];
    }
    const double length = shape.metric == Metric::kCosine ? std::sqrt(squares) : 1;
    for (size_t j = 0; j < shape.dimension; ++j) {
      mean[j] += one[j] / length / static_cast<double>(count);
    }
  }
  return mean;
}

// Of directions, u8 keeps more digits where they are long.
double ScaleOf(const std::vector<double>& vector, const VectorShape& shape) {
  if (shape.metric != Metric::kCosine || shape.element_type != ElementType::kU8) return 1;
  const double most = *std::max_element(vector.begin(), vector.end());
  return most > 0 ? 255 / most : 1;
}

absl::StatusOr<std::string> Average(std::string_view positive, std::string_view negative,
                                    const VectorShape& shape) {
  std::vector<double> query = MeanOf(positive, shape);
  if (!negative.empty()) {
    const std::vector<double> away = MeanOf(negative, shape);
    for (size_t j = 0; j < query.size(); ++j) query[j] += query[j] - away[j];
  }
  const double scale = ScaleOf(query, shape);
  std::vector<float> values;
  for (const double element : query) {
    const bool is_u8 = shape.element_type == ElementType::kU8;
    values.push_back(
        static_cast<float>(is_u8 ? std::clamp(std::round(element * scale), 0.0, 255.0) : element));
  }
  // As a query: f16 collections take floats.
  VectorShape form = shape;
  form.element_type = QueryType(shape.element_type);
  std::string vector;
  const absl::Status status = AppendVector(form, {{}, values}, VectorUse::kQuery, vector);
  if (!status.ok()) return AtField(status, "examples");
  return vector;
}

}  // namespace

std::vector<PointKey> PointsOf(const SearchQuery& query) {
  std::vector<PointKey> points;
  if (query.point.has_value()) points.push_back(*query.point);
  if (!query.examples.has_value()) return points;
  for (const auto* examples : {&query.examples->positive, &query.examples->negative}) {
    for (const Example& example : *examples) {
      if (example.point.has_value()) AddPoint(*example.point, points);
    }
  }
  return points;
}

absl::Status CheckExamples(const SearchQuery& query) {
  if (!query.examples.has_value()) return absl::OkStatus();
  const Examples& examples = *query.examples;
  if (examples.positive.empty()) {
    return FieldError("examples.positive", reason::kBadRequest,
                      "is empty; name what the hits shall be like");
  }
  KITH_RETURN_IF_ERROR(CheckCount("examples.positive", examples.positive.size()));
  KITH_RETURN_IF_ERROR(CheckCount("examples.negative", examples.negative.size()));
  return examples.strategy == ExampleStrategy::kBestScore ? CheckBestScore(query)
                                                          : absl::OkStatus();
}

absl::StatusOr<QueryVectors> VectorsOf(const SearchQuery& query, const PointRows& points,
                                       const VectorShape& shape) {
  const std::vector<PointKey> keys = PointsOf(query);
  const ReadPoints read(keys, points, shape);
  const std::vector<PointKey> missing = read.Missing();
  if (!missing.empty()) return PointsMissing(query, missing);
  QueryVectors vectors;
  if (query.point.has_value()) {
    const absl::Status status = AppendVector(shape, {read.Of(*query.point).vector, {}},
                                             VectorUse::kQuery, vectors.searched);
    if (!status.ok()) return AtField(status, "point");
    return vectors;
  }
  const Examples& examples = *query.examples;
  KITH_RETURN_IF_ERROR(read.Append("positive", examples.positive, vectors.searched));
  KITH_RETURN_IF_ERROR(read.Append("negative", examples.negative, vectors.negative));
  if (examples.strategy == ExampleStrategy::kBestScore) return vectors;
  KITH_ASSIGN_OR_RETURN(vectors.searched, Average(vectors.searched, vectors.negative, shape));
  vectors.negative.clear();
  return vectors;
}

}  // namespace kith::coordinator
