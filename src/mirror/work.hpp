#pragma once

#include "local/destination.hpp"
#include "model/row.hpp"
#include "plan/decide.hpp"
#include "transfer/assembly.hpp"
#include "transfer/parts_proof.hpp"

#include <cstdint>
#include <optional>
#include <utility>

/// The values that the stages of a pass hand to each other.
namespace sluice::mirror {

/// A local file whose content may make a download needless: hash it, then record or fetch.
struct Adoption {
  Adoption(transfer::FetchTask t, LocalFile f, Digest e, plan::Reason r)
      : task(std::move(t)), local(f), expected(std::move(e)), reason(r) {}

  transfer::FetchTask task;
  LocalFile local;
  Digest expected;  ///< what the content must hash to
  std::optional<transfer::CompositeDigest>
      composite;  ///< or its parts, if `expected` is of no kind
  Proof proof = Proof::md5;
  plan::Reason reason;
  bool archived = false;  ///< it cannot be fetched
};

/// A change for the publisher to make.
struct Publication {
  enum class Kind : std::uint8_t {
    place,      ///< rename the staged file to `path`
    directory,  ///< make the directory `path`
    touch,      ///< set the time of the file at `path` to the version's
    record,     ///< only the record: the file is there already
    forget,     ///< only the record: drop the row
    refuse,     ///< only the record: this version is not to be fetched again
    part,       ///< only the record: parts of a large file have come
    discard,    ///< only the record: what it says of a partial download is void
  };

  Publication(Kind k, local::RelativePath p) : kind(k), path(std::move(p)) {}

  Kind kind;
  local::RelativePath path;
  ObjectRow row;           ///< what the record shall say; only `key` with `forget` and `discard`
  local::StagedFile file;  ///< only with `place`
  /// With `part`: the parts that are new. With `place`: all of them, if the file came in several.
  std::optional<PartialRow> partial;
  LocalFile expected;  ///< only with `touch`: the file as it was decided upon
  std::string reason;
  bool shadows = false;      ///< a key that would be a file where this one needs a folder is listed
  std::int64_t pending = 0;  ///< the number of its pending row, once there is one
};

}  // namespace sluice::mirror
