#pragma once

#include <string>
#include <string_view>

/// File systems that take different names for one: in another case, or with accents composed
/// another way (ext4 and f2fs with casefold, vfat, exFAT, NTFS, SMB shares, HFS+).
namespace sluice::local {

/// Whether the file system of `directory` does so; asked of `name`, which must be there and have
/// lower-case letters.
bool folds_names(int directory, std::string_view name) noexcept;

/// The name under which `directory` really holds what `name` leads to: `name` itself, another
/// spelling of it, or nothing if nothing is there. Reads the directory. 0 or -errno.
int spelling_of(int directory, std::string_view name, std::string& spelling);

}  // namespace sluice::local
