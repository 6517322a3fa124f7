// What goes wrong on the wire: rules for the origin, drawn.
#pragma once

#include "origin/faults.hpp"
#include "random.hpp"

#include <string>
#include <vector>

namespace sluice::chaos {

struct DrawnRules {
  std::vector<origin::Rule> rules;
  std::string said;        ///< for the trace
  bool list_lies = false;  ///< listings that look sound and are not
};

/// A few rules, each for some of the requests of one kind.
DrawnRules draw_rules(Random& random, bool flips);

}  // namespace sluice::chaos
