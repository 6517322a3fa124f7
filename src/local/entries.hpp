#pragma once

#include <functional>

/// What lies in a directory: walked and removed without following anything.
namespace sluice::local {

/// Calls visit(descriptor of the directory, name) for each entry of the directory `name` in
/// `parent`, until one answers an errno. 0 or an errno.
using Visit = std::function<int(int directory, const char* name)>;
int each_entry(int parent, const char* name, const Visit& visit);

/// Removes a file, or a directory with all that is in it. What is not there is no failure. 0 or an
/// errno; ECANCELED once `stop` says so, which is asked before each removal.
using Stop = std::function<bool()>;
int remove_entry(int parent, const char* name, const Stop& stop = {});

}  // namespace sluice::local
