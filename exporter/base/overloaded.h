#pragma once

namespace tpx {

/// A visitor of a std::variant made of lambdas, one an alternative.
template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace tpx
