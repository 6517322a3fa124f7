#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Where to cut a key space of which only some keys have been seen. Pure.
///
/// A key is read as a number whose digits are its characters, each in the alphabet seen at its
/// position: then date trees, counters, hexadecimal and Chinese names are all spread about evenly,
/// which their bytes are not. No delimiter is assumed.
namespace sluice::plan {

/// The characters of one position: ASCII one by one, all others as an interval of code points,
/// since nobody sees all 20,000 ideographs.
struct Alphabet {
  std::array<std::uint64_t, 2> ascii{};
  char32_t least = 0;  ///< of the others; 0: none
  char32_t most = 0;

  void add(char32_t character) noexcept;
  void add(const Alphabet& other) noexcept;
  bool meets(const Alphabet& other) const noexcept;
  std::uint64_t size() const noexcept;
  /// The place of a character, or of the next larger one that is known.
  std::uint64_t digit_of(char32_t character) const noexcept;
  char32_t character_of(std::uint64_t digit) const noexcept;
};

/// What has been seen of the keys of a listing.
class KeyShape {
 public:
  /// Characters beyond these play no part.
  static constexpr std::size_t kMostPositions = 128;

  /// `keys` are in byte order, those of one page; a sample of them is enough.
  void learn(std::span<const std::string_view> keys);

  std::size_t positions() const noexcept { return positions_.size(); }
  /// What may stand at a position. If it was seen to come round (it fell as one before it rose),
  /// all of its characters have been seen; else those of other positions that share some are
  /// included: a counter that has shown zeros only will show other digits.
  Alphabet alphabet(std::size_t position) const;

 private:
  struct Position {
    Alphabet seen;
    bool came_round = false;
  };
  std::vector<Position> positions_;
};

/// So many keys were found in (after, last].
struct Stretch {
  std::string after;
  std::string last;
  std::uint64_t keys = 0;
};

/// Measures distances between keys in keys, by how dense the key space was in `seen`.
class KeyScale {
 public:
  /// nullopt if `seen` is too short to tell.
  static std::optional<KeyScale> make(const KeyShape& shape, std::span<const Stretch> seen);

  /// About how many keys are in (from, to]; nullopt: beyond measure.
  std::optional<double> keys_between(std::string_view from, std::string_view to) const;
  /// A key with about so many in between: after `from`, printable ASCII or whole UTF-8 characters.
  /// nullopt: that is beyond everything that could be expected.
  std::optional<std::string> key_after(std::string_view from, std::uint64_t keys) const;

 private:
  __extension__ using Number = unsigned __int128;

  struct Ends {
    std::u32string after;
    std::u32string last;
    std::uint64_t keys;
  };
  KeyScale(const KeyShape& shape, std::span<const Ends> seen);
  Number width_of(const Ends& ends) const;
  Number number_of(const std::u32string& key) const;

  std::size_t begin_ = 0;            ///< the first position that counts
  std::vector<Alphabet> alphabets_;  ///< of the positions from there
  Number end_ = 1;                   ///< above every number
  Number width_ = 0;                 ///< of all that was seen
  double width_of_key_ = 0;
};

/// The characters of a key, until the first that is not UTF-8.
std::u32string characters_of(std::string_view key);

/// Whether a key may go into a request as `start-after`: printable ASCII and whole UTF-8
/// characters. Others are legal, but servers have been seen to differ about them.
bool can_start_after(std::string_view key) noexcept;

}  // namespace sluice::plan
