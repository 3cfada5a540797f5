#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reward/novelty/known_set.h"

namespace crucible {

/// One archived kernel. `features` are what novelty compares; `source` is kept so that features can be made again.
struct ArchivedKernel {
  std::int64_t id = 0;  ///< of this archive, in order of arrival
  std::string task;
  std::string name;     ///< unique within its task: empty on add draws one from the source's hash
  std::string origin;   ///< "known" or "discovered"
  std::string backend;  ///< "cpu" or "cuda"
  std::string device;   ///< where `speedup` was measured; empty when it was not
  std::optional<double> speedup;
  std::string source;  ///< the candidate's text
  std::string added;   ///< UTC, ISO 8601
  KernelFeatures features;
};

/// What one advance made known: all kernels that had arrived, under a content hash.
struct ArchiveSnapshot {
  std::int64_t epoch = 0;    ///< 0: nothing was ever advanced
  std::int64_t last_id = 0;  ///< kernels up to this id belong to it
  std::string hash;          ///< KnownSet::hash() of its kernels
  std::string advanced;      ///< UTC, ISO 8601
  std::size_t kernels = 0;
};

/// Which kernels of two snapshots differ, by "task/name".
struct ArchiveDifference {
  std::vector<std::string> added, removed;
};

/// The durable archive of known and discovered kernels: one SQLite file in write-ahead mode, shared by any number of
/// processes. A discovery is added at once and becomes *known* only when the trainer advances the snapshot: within one
/// epoch everybody compares against the same set. Adding the same source for the same task twice keeps the first (and
/// its name), with the better speedup.
///
/// Not thread-safe; open one per thread (cheap). Throws std::runtime_error that names the file when it is not an
/// archive, was written by a newer program, or stays locked for more than ten seconds.
class Archive {
 public:
  /// Opens, or makes, the archive. `path` may be ":memory:" (tests).
  static std::unique_ptr<Archive> open(const std::string& path);
  virtual ~Archive() = default;

  /// Adds a kernel (id and date are ignored) and returns its id. A feature failure or an empty task or source throws
  /// std::invalid_argument: what cannot be compared must not be archived. A taken name of another source too.
  virtual std::int64_t add(const ArchivedKernel& kernel) = 0;

  /// Removes one kernel; false when there is none of that name. Older snapshots change with it (their hash tells).
  virtual bool remove(const std::string& task, const std::string& name) = 0;

  /// All kernels in order of arrival, or those of one task; sources and features included.
  virtual std::vector<ArchivedKernel> list(const std::string& task = {}) = 0;
  virtual std::optional<ArchivedKernel> find(const std::string& task, const std::string& name) = 0;

  /// Makes everything that has arrived known: a new epoch, or the current one when nothing arrived.
  virtual ArchiveSnapshot advance() = 0;
  virtual ArchiveSnapshot current() = 0;
  virtual std::vector<ArchiveSnapshot> snapshots() = 0;

  /// Kernels that one epoch has and another has not.
  virtual ArchiveDifference difference(std::int64_t from_epoch, std::int64_t to_epoch) = 0;

  /// The kernels of an epoch, to compare against; `pending` counts arrivals since as well (a command line asks so).
  virtual KnownSet known_set(std::int64_t epoch, bool pending = false) = 0;

  /// One portable JSON document of all kernels and snapshots, and back into this archive (adds what is missing, keeps
  /// what is there; returns how many were added). import throws std::runtime_error on a malformed document, and then
  /// has changed nothing.
  virtual std::string export_json() = 0;
  virtual std::size_t import_json(std::string_view document) = 0;
};

}  // namespace crucible
