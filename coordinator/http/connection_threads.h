#ifndef KITH_COORDINATOR_HTTP_CONNECTION_THREADS_H_
#define KITH_COORDINATOR_HTTP_CONNECTION_THREADS_H_

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kith::http {

struct ConnectionThreadsOptions {
  size_t threads_max = 0;
  size_t waiting_max = 0;  // connections that wait for a thread
};

// A thread a connection, started when it is first needed. Beyond the bound on those that wait a
// connection's task runs at once, on the thread that accepts: it turns the caller away.
//
// Threads: enqueue and shutdown on one, the others any.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(const ConnectionThreadsOptions& options) : options_(options) {}

  void enqueue(std::function<void()> task) override;
  // Returns when every connection that was taken has ended.
  void shutdown() override;

  // Connections that have a thread or wait for one.
  size_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  void Work();

  const ConnectionThreadsOptions options_;
  std::atomic<size_t> connections_{0};
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool has_ended_ = false;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_CONNECTION_THREADS_H_
