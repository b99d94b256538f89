#ifndef KITH_SHARD_STORAGE_FAULTS_H_
#define KITH_SHARD_STORAGE_FAULTS_H_

namespace kith::storage {

// Deliberate breakages, so that the crash tests can show that they would notice. Only the crash
// test's own server sets one; kithd never does.
struct Faults {
  bool acknowledge_before_sync = false;  // the log append does not wait for the disk
  bool skip_flush = false;               // the log is truncated without flushing the state first
  bool apply_twice = false;              // replay applies each entry again
  bool drop_tombstone = false;           // a delete does not mark its row dead
  bool ignore_checksum = false;          // row records are believed without their checksum
  bool trust_page_cache = false;         // what a killed process left unsynced is built upon
  bool keep_moved_row = false;           // a row that is moved lives on under its old number
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_FAULTS_H_
