#pragma once

#include <string>

namespace sluice::local {

/// Removes the folder `name` in `parent`, if nothing is in it but folders that hold nothing either.
/// 0 or an errno: ENOTEMPTY if anybody's file, link or mount point is in there, and nothing has
/// gone then.
int remove_empty_folders(int parent, const std::string& name);

}  // namespace sluice::local
