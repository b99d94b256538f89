#ifndef KITH_TESTS_UNIT_INDEX_TRAIN_GUARDED_BYTES_H_
#define KITH_TESTS_UNIT_INDEX_TRAIN_GUARDED_BYTES_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace kith::index {

// A copy of some elements that ends where readable memory ends: a kernel that reads one byte too
// many dies.
template <class Element>
class GuardedCopy {
 public:
  // Of the first `count` elements.
  GuardedCopy(const std::vector<Element>& elements, size_t count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = count * sizeof(Element);
    readable_ = (bytes + page - 1) / page * page;
    mapped_ = readable_ + page;
    memory_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + readable_, page, PROT_NONE);
    elements_ = memory_ + readable_ - bytes;
    if (bytes != 0) std::memcpy(elements_, elements.data(), bytes);
  }
  GuardedCopy(const GuardedCopy&) = delete;
  GuardedCopy& operator=(const GuardedCopy&) = delete;
  ~GuardedCopy() { munmap(memory_, mapped_); }

  const Element* data() const { return reinterpret_cast<const Element*>(elements_); }

 private:
  size_t readable_ = 0;
  size_t mapped_ = 0;
  std::byte* memory_ = nullptr;
  std::byte* elements_ = nullptr;
};

}  // namespace kith::index

#endif  // KITH_TESTS_UNIT_INDEX_TRAIN_GUARDED_BYTES_H_
