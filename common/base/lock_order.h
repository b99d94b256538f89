#ifndef KITH_COMMON_BASE_LOCK_ORDER_H_
#define KITH_COMMON_BASE_LOCK_ORDER_H_

namespace kith {

// Abseil keeps, behind one lock of the process, in which orders its mutexes have been taken, and
// ends the process where two orders meet: wherever it was built with assertions, as Debian builds
// it. gRPC takes a dozen of them a call. Programs turn that off; tests keep it. Threads: any.
void StopLockOrderChecks();

}  // namespace kith

#endif  // KITH_COMMON_BASE_LOCK_ORDER_H_
