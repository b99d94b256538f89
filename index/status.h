#ifndef KITH_INDEX_STATUS_H_
#define KITH_INDEX_STATUS_H_

#include <optional>
#include <string>
#include <utility>

namespace kith::index {

enum class Code {
  kOk,
  kInvalidArgument,     // the caller's parameters
  kFailedPrecondition,  // the points do not allow it (too few, all equal)
  kResourceExhausted,
  kCancelled,
  kDeadlineExceeded,
  kDataLoss,  // bytes that do not match their checksum
};

// The library's own small status: the engine uses the standard library only.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string reason, std::string message)
      : code_(code), reason_(std::move(reason)), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& reason() const { return reason_; }  // UPPER_SNAKE, for ErrorInfo
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string reason_;
  std::string message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_STATUS_H_
