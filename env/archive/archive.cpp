#include "env/archive/archive.h"

#include <sqlite3.h>

#include <ctime>
#include <stdexcept>

#include "env/archive/database.h"
#include "env/archive/document.h"
#include "env/sha256.h"

namespace crucible {
namespace {

using archive::Statement;
using archive::Transaction;

constexpr std::int64_t kSchema = 1;
constexpr int kApplication = 0x43525543;  // "CRUC"
constexpr int kPatienceMs = 10000;

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS kernel (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, name TEXT NOT NULL, origin TEXT NOT NULL,
  backend TEXT NOT NULL, device TEXT NOT NULL, speedup REAL, source BLOB NOT NULL, source_hash TEXT NOT NULL,
  added TEXT NOT NULL, features BLOB NOT NULL, UNIQUE (task, name), UNIQUE (task, source_hash));
CREATE TABLE IF NOT EXISTS snapshot (
  epoch INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, hash TEXT NOT NULL, advanced TEXT NOT NULL);
)";
constexpr const char* kColumns = "id, task, name, origin, backend, device, speedup, source, added, features";

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

ArchivedKernel kernel_of(const Statement& row) {
  ArchivedKernel kernel;
  kernel.id = row.integer(0);
  kernel.task = row.text(1);
  kernel.name = row.text(2);
  kernel.origin = row.text(3);
  kernel.backend = row.text(4);
  kernel.device = row.text(5);
  if (!row.is_null(6)) kernel.speedup = row.real(6);
  kernel.source = row.text(7);
  kernel.added = row.text(8);
  kernel.features = features_from_bytes(row.text(9));
  return kernel;
}

KnownKernel known_of(ArchivedKernel&& kernel) {
  KnownKernel known;
  known.name = std::move(kernel.name);
  known.task = std::move(kernel.task);
  known.origin = std::move(kernel.origin);
  known.speedup = kernel.speedup;
  known.features = std::move(kernel.features);
  return known;
}

class SqliteArchive final : public Archive {
 public:
  explicit SqliteArchive(const std::string& path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
      const std::string reason = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
      sqlite3_close(database_);
      throw std::runtime_error("archive " + path + ": " + reason);
    }
    try {
      prepare(path);
    } catch (...) {
      sqlite3_close(database_);
      throw;
    }
  }
  ~SqliteArchive() override { sqlite3_close(database_); }

  std::int64_t add(const ArchivedKernel& kernel) override {
    Transaction transaction(database_);
    const std::int64_t id = insert(kernel);
    transaction.commit();
    return id;
  }

  bool remove(const std::string& task, const std::string& name) override {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM kernel WHERE task = ? AND name = ?").bind(task).bind(name).run();
    const bool removed = sqlite3_changes(database_) > 0;
    transaction.commit();
    return removed;
  }

  std::vector<ArchivedKernel> list(const std::string& task) override {
    Statement rows(database_, std::string("SELECT ") + kColumns + " FROM kernel WHERE ? IN ('', task) ORDER BY id");
    rows.bind(task);
    std::vector<ArchivedKernel> out;
    while (rows.step()) out.push_back(kernel_of(rows));
    return out;
  }

  std::optional<ArchivedKernel> find(const std::string& task, const std::string& name) override {
    Statement rows(database_, std::string("SELECT ") + kColumns + " FROM kernel WHERE task = ? AND name = ?");
    rows.bind(task).bind(name);
    if (!rows.step()) return std::nullopt;
    return kernel_of(rows);
  }

  ArchiveSnapshot advance() override {
    Transaction transaction(database_);
    const ArchiveSnapshot before = current();
    Statement newest(database_, "SELECT coalesce(max(id), 0) FROM kernel");
    newest.step();
    const std::int64_t last = newest.integer(0);
    if (before.epoch > 0 && last <= before.last_id) return before;
    Statement(database_, "INSERT INTO snapshot (epoch, last_id, hash, advanced) VALUES (?, ?, ?, ?)")
        .bind(before.epoch + 1)
        .bind(last)
        .bind(set_up_to(last).hash())
        .bind(now())
        .run();
    transaction.commit();
    return current();
  }

  ArchiveSnapshot current() override {
    const std::vector<ArchiveSnapshot> all = snapshots();
    if (!all.empty()) return all.back();
    ArchiveSnapshot none;
    none.hash = KnownSet().hash();
    return none;
  }

  std::vector<ArchiveSnapshot> snapshots() override {
    Statement rows(database_,
                   "SELECT epoch, last_id, hash, advanced, (SELECT count(*) FROM kernel WHERE id <= last_id) "
                   "FROM snapshot ORDER BY epoch");
    std::vector<ArchiveSnapshot> out;
    while (rows.step())
      out.push_back(
          {rows.integer(0), rows.integer(1), rows.text(2), rows.text(3), static_cast<std::size_t>(rows.integer(4))});
    return out;
  }

  ArchiveDifference difference(std::int64_t from_epoch, std::int64_t to_epoch) override {
    const std::int64_t from = last_of(from_epoch), to = last_of(to_epoch);
    Statement rows(database_, "SELECT task || '/' || name FROM kernel WHERE id > ? AND id <= ? ORDER BY id");
    rows.bind(std::min(from, to)).bind(std::max(from, to));
    ArchiveDifference out;
    while (rows.step()) (from <= to ? out.added : out.removed).push_back(rows.text(0));
    return out;
  }

  KnownSet known_set(std::int64_t epoch, bool pending) override {
    return set_up_to(pending ? INT64_MAX : last_of(epoch));
  }

  std::string export_json() override { return archive::to_document(list({}), snapshots()); }

  std::size_t import_json(std::string_view document) override {
    const std::vector<ArchivedKernel> kernels = archive::from_document(document);
    Transaction transaction(database_);
    std::size_t added = 0;
    for (const ArchivedKernel& kernel : kernels) {
      Statement present(database_, "SELECT 1 FROM kernel WHERE task = ? AND (source_hash = ? OR name = ?)");
      if (present.bind(kernel.task).bind(to_hex(sha256(kernel.source))).bind(kernel.name).step()) continue;
      insert(kernel);
      ++added;
    }
    transaction.commit();
    return added;
  }

 private:
  void prepare(const std::string& path) {
    sqlite3_busy_timeout(database_, kPatienceMs);
    Statement(database_, "PRAGMA journal_mode = WAL").step();
    Statement(database_, "PRAGMA synchronous = NORMAL").step();
    Transaction transaction(database_);
    const auto pragma = [&](const char* name) {
      Statement one(database_, name);
      one.step();
      return one.integer(0);
    };
    const std::int64_t application = pragma("PRAGMA application_id"), version = pragma("PRAGMA user_version");
    const std::int64_t tables = pragma("SELECT count(*) FROM sqlite_master");
    if (tables > 0 && application != kApplication)
      throw std::runtime_error("archive " + path + ": this SQLite file is not a kernel archive");
    if (version > kSchema) throw std::runtime_error("archive " + path + ": written by a newer program");
    char* message = nullptr;
    if (sqlite3_exec(database_, kTables, nullptr, nullptr, &message) != SQLITE_OK) {
      const std::string reason = message == nullptr ? "cannot make its tables" : message;
      sqlite3_free(message);
      throw std::runtime_error("archive " + path + ": " + reason);
    }
    Statement(database_, "PRAGMA application_id = " + std::to_string(kApplication)).step();
    Statement(database_, "PRAGMA user_version = " + std::to_string(kSchema)).step();
    transaction.commit();
  }

  std::int64_t insert(const ArchivedKernel& kernel) {
    if (kernel.task.empty() || kernel.source.empty())
      throw std::invalid_argument("an archived kernel needs a task and a source");
    if (!kernel.features.failure.empty())
      throw std::invalid_argument("this kernel cannot be compared: " + kernel.features.failure);
    const std::string hash = to_hex(sha256(kernel.source));
    Statement same(database_, "SELECT id FROM kernel WHERE task = ? AND source_hash = ?");
    if (same.bind(kernel.task).bind(hash).step()) {
      const std::int64_t id = same.integer(0);
      if (kernel.speedup)
        Statement(database_, "UPDATE kernel SET speedup = max(coalesce(speedup, ?1), ?1), device = ?2 WHERE id = ?3")
            .bind(*kernel.speedup)
            .bind(kernel.device)
            .bind(id)
            .run();
      return id;
    }
    const std::string name = kernel.name.empty() ? hash.substr(0, 12) : kernel.name;
    Statement taken(database_, "SELECT 1 FROM kernel WHERE task = ? AND name = ?");
    if (taken.bind(kernel.task).bind(name).step())
      throw std::invalid_argument("task " + kernel.task + " already has another kernel named " + name);
    Statement row(
        database_,
        "INSERT INTO kernel (task, name, origin, backend, device, speedup, source, source_hash, added, features) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    row.bind(kernel.task).bind(name).bind(kernel.origin.empty() ? std::string("discovered") : kernel.origin);
    row.bind(kernel.backend).bind(kernel.device);
    kernel.speedup ? row.bind(*kernel.speedup) : row.bind_null();
    row.bind_blob(kernel.source).bind(hash).bind(now()).bind_blob(to_bytes(kernel.features)).run();
    return sqlite3_last_insert_rowid(database_);
  }

  std::int64_t last_of(std::int64_t epoch) {
    if (epoch <= 0) return 0;
    Statement row(database_, "SELECT last_id FROM snapshot WHERE epoch = ?");
    if (!row.bind(epoch).step()) throw std::invalid_argument("the archive has no epoch " + std::to_string(epoch));
    return row.integer(0);
  }

  KnownSet set_up_to(std::int64_t last) {
    Statement rows(database_, std::string("SELECT ") + kColumns + " FROM kernel WHERE id <= ? ORDER BY id");
    rows.bind(last);
    std::vector<KnownKernel> kernels;
    while (rows.step()) kernels.push_back(known_of(kernel_of(rows)));
    return KnownSet(std::move(kernels));
  }

  sqlite3* database_ = nullptr;
};

}  // namespace

std::unique_ptr<Archive> Archive::open(const std::string& path) { return std::make_unique<SqliteArchive>(path); }

}  // namespace crucible
