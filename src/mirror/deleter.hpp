#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"
#include "plan/licence.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::mirror {

/// After the downloads, on the publishing role: what the bucket no longer has. Without --delete it
/// only reports. Nothing is removed but files that the record says we wrote and that have not been
/// touched since, each only once the service itself has said that its key is gone.
class Deleter {
 public:
  /// Rows looked at between two record transactions, and keys asked about at once.
  static constexpr std::size_t kChunkRows = 1000;
  static constexpr std::size_t kConfirmations = 16;

  explicit Deleter(Pass& pass) : pass_(pass), engine_(pass.engine()) {}

  /// Needs the licence as a proof of the right. The answer is the guard's error if it said no.
  async::Task<std::optional<Error>> run(const plan::DeletionLicence& licence);

 private:
  struct Candidate {
    Candidate(ObjectRow r, local::RelativePath p) : row(std::move(r)), path(std::move(p)) {}
    ObjectRow row;
    local::RelativePath path;
    bool excluded = false;  ///< goes by the user's will, whether the bucket has it or not
    bool gone = false;
    std::optional<Error> error;
  };

  async::Task<std::optional<Error>> remove_absent();
  /// The answer: how many files would go.
  Result<std::uint64_t> forget_all_missing();
  void forget_missing(const ObjectRow& row, const local::RelativePath& path, record::Batch& batch);
  Result<void> commit(const record::Batch& batch, const local::ToSync& removed);
  bool is_protected(const ObjectRow& row) const;
  void clear_the_way();
  async::Task<Result<void>> run_chunk(std::vector<ObjectRow>& rows);
  /// What is to be removed of these rows; the others are reported or forgotten.
  Result<std::vector<Candidate>> candidates_of(std::vector<ObjectRow>& rows, record::Batch& batch,
                                               local::ToSync& removed);
  Result<void> became_folder(const ObjectRow& row, record::Batch& batch);
  async::Task<void> confirm(std::vector<Candidate>& candidates);
  Result<void> remove_file(const local::RelativePath& path, const LocalFile& expected);
  void remove(Candidate& candidate, record::Batch& batch);
  void report(What what, const ObjectRow& row, std::string_view reason, const Error* error);

  Pass& pass_;
  Engine& engine_;
  bool missing_are_forgotten_ = false;
};

}  // namespace sluice::mirror
