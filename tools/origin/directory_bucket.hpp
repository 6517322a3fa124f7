// A directory tree served as a bucket: each regular file is an object, its path the key.
#pragma once

#include "origin/bucket.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

namespace sluice::origin {

// Symbolic links, empty directories and special files are not served. The tree may change while it
// is served: the index is read anew at the first page of each listing, a GET looks at the file.
// A file that is overwritten in place during a GET ends that answer early or mixes its bytes, as
// any file server would: replace files by rename.
class DirectoryBucket final : public Bucket {
 public:
  // Throws std::system_error if `root` cannot be opened.
  explicit DirectoryBucket(const std::filesystem::path& root);
  ~DirectoryBucket() override;

  std::vector<ObjectInfo> list_from(std::string_view from, std::size_t limit) override;
  std::optional<Object> find(std::string_view key) override;
  void refresh() override;

 private:
  // What decides whether a file is still the one whose ETag was worked out.
  struct Stamp {
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Entry {
    Stamp stamp;
    std::string etag;  // empty: not worked out yet
  };
  class FileContent;
  using Index = std::map<std::string, Entry, std::less<>>;

  void walk(int directory, const std::string& prefix, Index& into) const;
  std::shared_ptr<FileContent> open(std::string_view key) const;
  std::vector<ObjectInfo> indexed_from(std::string_view from, std::size_t limit);
  bool complete(ObjectInfo& info);
  std::string etag_of(const std::string& key, const FileContent& file);
  ObjectInfo info_of(const std::string& key, const FileContent& file);

  int root_;
  std::mutex mutex_;
  Index index_;
};

}  // namespace sluice::origin
