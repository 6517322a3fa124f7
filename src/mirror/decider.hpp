#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"
#include "plan/merge_join.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mirror {

/// The deciding role: joins each listed key with the record and the local file, decides, and hands
/// on what must be done. `keep` costs one fstatat and no request.
class Decider {
 public:
  explicit Decider(Pass& pass);

  /// Until the page queue is closed and empty, or the pass ends early. Closes the adoption queue.
  async::Task<void> run();

 private:
  async::Task<bool> decide_page(ListPage& page);
  /// False if the pass ends early.
  async::Task<bool> decide_one(const ListedObject& object);
  void note_change(const ListedObject& object, const plan::Decision& decision);
  async::Task<bool> act(const ListedObject& object, const local::RelativePath& path,
                        const ObjectRow* row, const LocalFile& local, plan::Decision decision);
  async::Task<bool> forget_replaced(const local::RelativePath& path, const ObjectRow* row,
                                    const LocalFile& local);
  transfer::FetchTask task_for(const ListedObject& object, const local::RelativePath& path,
                               plan::Reason reason);
  async::Task<bool> fetch(const ListedObject& object, const local::RelativePath& path,
                          plan::Reason reason);
  async::Task<bool> adopt(const ListedObject& object, const local::RelativePath& path,
                          const ObjectRow* row, const LocalFile& local, plan::Decision decision);
  async::Task<bool> publish(Publication& publication);
  async::Task<bool> directory(const ListedObject& object, const local::RelativePath& path);
  void note_folder(const local::RelativePath& path);
  void note_in_the_way(const local::RelativePath& path);
  bool is_spelled_so(const ListedObject& object, const local::RelativePath& path);
  /// What the publisher would meet: false if it was reported, or ends the pass.
  Result<bool> could_be_stored(const ListedObject& object, const local::RelativePath& path);
  bool shadows(std::string_view key);
  void refuse(const ListedObject& object, const Error& error);
  void report(What what, const ListedObject& object, std::string_view reason);

  Pass& pass_;
  Engine& engine_;
  plan::MergeJoin join_;
  local::AbsentFolder absent_;  ///< met while deciding the present page
  /// The last key that is wanted as a file, and the lengths of those among its beginnings that are
  /// wanted so too, itself included. No string a key: a pass looks at millions.
  std::string last_file_;
  std::vector<std::size_t> above_;
  bool shadowing_ = false;  ///< what shadows() said of the present key
};

/// Cuts an object into parts and queues them; moves from `task`. False if the queue has been
/// closed.
async::Task<bool> queue_parts(Pass& pass, transfer::FetchTask& task);

}  // namespace sluice::mirror
