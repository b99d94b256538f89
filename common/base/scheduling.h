#ifndef KITH_COMMON_BASE_SCHEDULING_H_
#define KITH_COMMON_BASE_SCHEDULING_H_

// How the kernel shares the cores between the threads of a process, so that a search does not wait
// for a write or for upkeep to end its turn. docs/decisions/0024 has what it is worth.
//
// Linux lets a thread that wakes take a core from one whose turns are longer (since 6.12; older
// kernels ignore turns, and let one that slept go first anyway). No privilege is needed: a turn
// says nothing of how much time a thread gets in all, and nobody starves. Threads: any.
namespace kith {

enum class Turns {
  kShort,  // of what calls are received, searched and answered with
  kUsual,  // of what computes for longer
};

// Of the calling thread, and of those that it starts from then on.
void SetTurns(Turns turns);
// Lets all others go first where cores are short: `nice` 1 to 19, and turns as usual. It cannot be
// taken back. Of the calling thread, and of those that it starts from then on.
void YieldToOthers(int nice);

}  // namespace kith

#endif  // KITH_COMMON_BASE_SCHEDULING_H_
