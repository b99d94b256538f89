#ifndef KITH_INDEX_GPU_CARD_MEMORY_H_
#define KITH_INDEX_GPU_CARD_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "index/gpu/card.h"

namespace kith::index::gpu {

// Memory of a card, and pinned memory of the host, of a number of T; given back in the end. The
// card outlives it.
enum class CardMemoryKind { kOnCard, kPinned };

template <typename T, CardMemoryKind kKind>
class CardArray {
 public:
  CardArray() = default;
  CardArray(CardArray&& other) noexcept { *this = std::move(other); }
  CardArray& operator=(CardArray&& other) noexcept {
    std::swap(card_, other.card_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~CardArray() { Reset(); }

  // Replaces what it held. kResourceExhausted as Card::Allocate.
  Status Allocate(Card& card, uint64_t count) {
    Reset();
    if (count == 0) return {};
    const uint64_t bytes = count * sizeof(T);
    Result<void*> memory =
        kKind == CardMemoryKind::kOnCard ? card.Allocate(bytes) : card.AllocatePinned(bytes);
    if (!memory.ok()) return memory.status();
    card_ = &card;
    data_ = static_cast<T*>(*memory);
    count_ = count;
    return {};
  }
  void Reset() {
    if (data_ == nullptr) return;
    if (kKind == CardMemoryKind::kOnCard) {
      card_->Free(data_);
    } else {
      card_->FreePinned(data_);
    }
    data_ = nullptr;
    count_ = 0;
  }

  T* data() const { return data_; }
  uint64_t count() const { return count_; }
  uint64_t bytes() const { return count_ * sizeof(T); }

 private:
  Card* card_ = nullptr;
  T* data_ = nullptr;
  uint64_t count_ = 0;
};

template <typename T>
using OnCard = CardArray<T, CardMemoryKind::kOnCard>;
template <typename T>
using Pinned = CardArray<T, CardMemoryKind::kPinned>;

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_MEMORY_H_
