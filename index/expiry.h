#ifndef KITH_INDEX_EXPIRY_H_
#define KITH_INDEX_EXPIRY_H_

#include <functional>

namespace kith::index {

// The caller's question "is time up?", remembered once it was answered yes.
//
// Threads: one at a time.
class Expiry {
 public:
  explicit Expiry(const std::function<bool()>& expired) : expired_(expired) {}

  bool Ask() {
    if (!over_ && expired_) over_ = expired_();
    return over_;
  }

 private:
  const std::function<bool()>& expired_;
  bool over_ = false;
};

}  // namespace kith::index

#endif  // KITH_INDEX_EXPIRY_H_
