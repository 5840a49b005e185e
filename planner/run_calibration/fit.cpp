#include "planner/run_calibration/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "planner/run_calibration/intervals.h"
#include "planner/run_calibration/least_squares.h"

namespace cadastre::run_calibration {

namespace {

/// Before anything is fitted, and the least that a kind's spread is taken to be: no clock and no
/// scheduler is better, and a few residuals may be met exactly by chance.
constexpr double kFirstSpread = 0.1;
constexpr double kLeastSpread = 0.005;
/// Of normal residuals, standard deviation / median magnitude.
constexpr double kPerMedian = 1.4826;
/// Greatest half width of an interval: log(3) where values are compared by their ratio.
constexpr double kWidestRatio = 1.0986;
constexpr double kWidestDifference = 3;
/// Fall of the loss that a coordinate without meaning reaches once in a thousand times (chi
/// square).
constexpr double kTellingLoss = 10.83;
constexpr double kAtBound = 1e-6;
/// Enough to see which of several parameters tells most.
constexpr int kFewIterations = 12;

class Fit {
 public:
  Fit(const std::vector<MeasuredRun>& runs, const StartingPoint& start)
      : residuals_(runs, start.profile_of_run),
        start_(start.constants),
        work_(start.constants),
        parameters_(parameters_of(start.constants)) {
    spreads_.fill(kFirstSpread);
    for (const Quantity& quantity : residuals_.quantities()) group_of_.push_back(quantity.run);
    for (const Parameter& parameter : parameters_) put(parameter, parameter.start);
  }

  RunFit run() && {
    choose_first();
    search_grid(Loss::kHuber);
    for (int i = 0; i < 2; ++i) improve(Loss::kHuber);
    settle();
    add_extras();
    return result();
  }

 private:
  /// Free coordinates, by their parameters' numbers, and where they are.
  struct Point {
    std::vector<std::size_t> free;
    std::vector<double> x;
  };

  void put(const Parameter& parameter, double value) {
    parameter.kind->put(work_, parameter.index,
                        std::clamp(value, parameter.kind->least, parameter.kind->most));
  }

  /// What is not free is where it started.
  void put(const Point& point) {
    for (std::size_t c = 0; c < point.free.size(); ++c) {
      const Parameter& parameter = parameters_[point.free[c]];
      put(parameter, parameter.value(point.x[c]));
    }
  }

  [[nodiscard]] std::vector<double> in_spreads(std::vector<double> residuals) const {
    const std::vector<Quantity>& quantities = residuals_.quantities();
    for (std::size_t i = 0; i < residuals.size(); ++i)
      residuals[i] /= spreads_[static_cast<std::size_t>(quantities[i].kind)];
    return residuals;
  }

  [[nodiscard]] double least(std::size_t parameter) const {
    const ParameterKind& kind = *parameters_[parameter].kind;
    return parameters_[parameter].coordinate(kind.least);
  }

  [[nodiscard]] double most(std::size_t parameter) const {
    const ParameterKind& kind = *parameters_[parameter].kind;
    return parameters_[parameter].coordinate(kind.most);
  }

  [[nodiscard]] LeastSquares problem(const std::vector<std::size_t>& free) {
    LeastSquares problem;
    problem.residuals = [this, free](const std::vector<double>& x) {
      put({free, x});
      return in_spreads(residuals_.at(work_));
    };
    problem.residuals_of_one = [this, free](const std::vector<double>& x, std::size_t changed,
                                            const std::vector<double>& known) {
      put({free, x});
      return changed_residuals(free[changed], known);
    };
    for (const std::size_t parameter : free) {
      problem.least.push_back(least(parameter));
      problem.most.push_back(most(parameter));
    }
    return problem;
  }

  /// `known` are in spreads, and so is what is returned.
  [[nodiscard]] std::vector<double> changed_residuals(std::size_t parameter,
                                                      const std::vector<double>& known) const {
    const std::vector<Quantity>& quantities = residuals_.quantities();
    std::vector<double> plain = known;
    for (std::size_t i = 0; i < plain.size(); ++i)
      plain[i] *= spreads_[static_cast<std::size_t>(quantities[i].kind)];
    return in_spreads(residuals_.at(work_, parameters_[parameter], plain));
  }

  [[nodiscard]] double cost(Loss loss, const std::vector<double>& residuals) const {
    double sum = 0;
    for (const double residual : residuals) sum += loss_at(loss, residual).loss / 2;
    return sum;
  }

  /// Whether anything changes when the parameter is doubled or halved: at its start alone it may be
  /// hidden behind another that takes longer.
  [[nodiscard]] bool has_effect(std::size_t number) {
    const Parameter& parameter = parameters_[number];
    put(parameter, parameter.start);
    const std::vector<double> here = residuals_.at(work_);
    const double at = parameter.coordinate(parameter.start);
    double greatest = 0;
    for (const double move : kMoves) {
      put(parameter, parameter.value(std::clamp(at + move, least(number), most(number))));
      const std::vector<double> there = residuals_.at(work_, parameter, here);
      for (std::size_t i = 0; i < here.size(); ++i)
        greatest = std::max(greatest, std::abs(there[i] - here[i]));
    }
    put(parameter, parameter.start);
    constexpr double kLeastEffect = 1e-6;
    return greatest > kLeastEffect;
  }

  void choose_first() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (parameters_[i].kind->is_extra || !has_effect(i)) continue;
      point_.free.push_back(i);
      point_.x.push_back(parameters_[i].coordinate(parameters_[i].start));
    }
    // One residual more than parameters at least, or there is nothing to judge a fit by.
    while (!point_.free.empty() && point_.free.size() >= residuals_.quantities().size())
      drop_last();
  }

  void drop_last() { drop(point_.free.size() - 1); }

  void drop(std::size_t coordinate) {
    const Parameter& parameter = parameters_[point_.free[coordinate]];
    put(parameter, parameter.start);
    dropped_.push_back(point_.free[coordinate]);
    point_.free.erase(point_.free.begin() + static_cast<std::ptrdiff_t>(coordinate));
    point_.x.erase(point_.x.begin() + static_cast<std::ptrdiff_t>(coordinate));
  }

  /// A step downhill does not find what has no slope where it starts, such as a network that is
  /// hidden behind computation because it is thought too fast.
  void search_grid(Loss loss) {
    const LeastSquares all = problem(point_.free);
    std::vector<double> residuals = all.residuals(point_.x);
    double best = cost(loss, residuals);
    constexpr int kSweeps = 2;
    for (int sweep = 0; sweep < kSweeps; ++sweep)
      for (std::size_t c = 0; c < point_.x.size(); ++c) {
        const double start = point_.x[c];
        for (const double move : kMoves) {
          std::vector<double> x = point_.x;
          x[c] = std::clamp(start + move, all.least[c], all.most[c]);
          const std::vector<double> moved = all.residuals_of_one(x, c, residuals);
          const double moved_cost = cost(loss, moved);
          if (!(moved_cost < best)) continue;
          best = moved_cost;
          point_.x = x;
          residuals = moved;
        }
      }
  }

  /// Minimizes, then measures the spreads anew.
  void improve(Loss loss) {
    LeastSquaresSolution solution = minimize(problem(point_.free), point_.x, loss);
    point_.x = std::move(solution.x);
    put(point_);
    measure_spreads();
  }

  void measure_spreads() {
    const std::vector<double> residuals = residuals_.at(work_);
    for (std::size_t k = 0; k < kNumQuantityKinds; ++k) {
      std::vector<double> magnitudes;
      for (std::size_t i = 0; i < residuals.size(); ++i)
        if (static_cast<std::size_t>(residuals_.quantities()[i].kind) == k)
          magnitudes.push_back(std::abs(residuals[i]));
      if (magnitudes.empty()) continue;
      const auto middle = magnitudes.begin() + static_cast<std::ptrdiff_t>(magnitudes.size() / 2);
      std::nth_element(magnitudes.begin(), middle, magnitudes.end());
      spreads_[k] = std::max(kPerMedian * *middle, kLeastSpread);
    }
  }

  /// [coordinate] infinite for what is at a bound, and is left out of the others'. Those of others
  /// allow for what was dropped, which may be anything that is not too far from its start.
  [[nodiscard]] std::vector<double> half_widths() {
    Point all = point_;
    for (const std::size_t parameter : dropped_) {
      all.free.push_back(parameter);
      all.x.push_back(parameters_[parameter].coordinate(parameters_[parameter].start));
    }
    const LeastSquares least_squares = problem(all.free);
    const std::vector<double> residuals = least_squares.residuals(all.x);
    const Jacobian jacobian = jacobian_of(least_squares, all.x, residuals, Differences::kCentral);
    std::vector<std::size_t> inner;
    Jacobian of_inner;
    std::vector<double> precision;
    for (std::size_t c = 0; c < all.free.size(); ++c) {
      const bool is_free = c < point_.free.size();
      if (is_free && is_at_bound(c)) continue;
      inner.push_back(c);
      of_inner.push_back(jacobian[c]);
      const double deviation = widest(all.free[c], all.x[c]);
      precision.push_back(is_free ? 0 : 1 / (deviation * deviation));
    }
    const std::vector<double> found = interval_half_widths(of_inner, least_squares.residuals(all.x),
                                                           group_of_, precision, Loss::kCauchy);
    std::vector<double> half_widths(point_.free.size(), std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < inner.size(); ++i)
      if (inner[i] < half_widths.size()) half_widths[inner[i]] = found[i];
    put(point_);
    return half_widths;
  }

  [[nodiscard]] bool is_at_bound(std::size_t coordinate) const {
    const std::size_t parameter = point_.free[coordinate];
    return point_.x[coordinate] - least(parameter) < kAtBound ||
           most(parameter) - point_.x[coordinate] < kAtBound;
  }

  /// Half the width of an interval that tells something.
  [[nodiscard]] double widest(std::size_t parameter, double x) const {
    return parameters_[parameter].kind->distance == Distance::kRatio
               ? kWidestRatio
               : kWidestDifference * std::max(1.0, std::abs(x));
  }

  [[nodiscard]] double widest(std::size_t coordinate) const {
    return widest(point_.free[coordinate], point_.x[coordinate]);
  }

  /// To the minimum of the last loss, without what is not identified there.
  void settle() {
    improve(Loss::kCauchy);
    search_grid(Loss::kCauchy);
    for (int i = 0; i < 2; ++i) improve(Loss::kCauchy);
    drop_unidentified();
  }

  /// One by one, the least known first; the others are fitted anew each time.
  void drop_unidentified() {
    while (!point_.free.empty()) {
      const std::vector<double> widths = half_widths();
      std::size_t worst = widths.size();
      double worst_part = 1;
      for (std::size_t c = 0; c < widths.size(); ++c) {
        if (is_at_bound(c)) continue;
        const double part = widths[c] / widest(c);
        // Of several that are not told apart the last of the table.
        if (part < worst_part || (part == worst_part && worst == widths.size() && part <= 1))
          continue;
        worst = c;
        worst_part = part;
      }
      if (worst == widths.size()) return;
      drop(worst);
      improve(Loss::kCauchy);
    }
  }

  void add_extras() {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].kind->is_extra && has_effect(i)) candidates.push_back(i);
    const auto is_room = [&] { return point_.free.size() + 1 < residuals_.quantities().size(); };
    while (!candidates.empty() && is_room()) {
      const double before = cost(Loss::kCauchy, in_spreads(residuals_.at(work_)));
      const Point without = point_;
      const std::array<double, kNumQuantityKinds> spreads = spreads_;
      double best = before;
      Point best_point;
      std::size_t best_candidate = 0;
      for (std::size_t k = 0; k < candidates.size(); ++k) {
        const Parameter& parameter = parameters_[candidates[k]];
        // From where it has no effect, no loss leads back: so from several places.
        constexpr std::array<double, 4> kOffsets = {0, -1.4, -0.7, 0.7};
        for (const double offset : kOffsets) {
          Point with = without;
          with.free.push_back(candidates[k]);
          with.x.push_back(std::clamp(parameter.coordinate(parameter.start) + offset,
                                      least(candidates[k]), most(candidates[k])));
          // From where Huber's loss leads to: to Cauchy's, what the parameter would explain are
          // outliers.
          const std::vector<double> begin =
              minimize(problem(with.free), with.x, Loss::kHuber, kFewIterations).x;
          const LeastSquaresSolution solution =
              minimize(problem(with.free), begin, Loss::kCauchy, kFewIterations);
          put(parameter, parameter.start);
          put(without);
          if (!(solution.cost < best)) continue;
          best = solution.cost;
          best_point = {with.free, solution.x};
          best_candidate = k;
        }
      }
      if (!(2 * (before - best) > kTellingLoss)) return;
      point_ = best_point;
      put(point_);
      improve(Loss::kCauchy);
      const std::vector<double> widths = half_widths();
      const std::size_t added = point_.free.size() - 1;
      const Parameter& parameter = parameters_[point_.free[added]];
      const double change = std::abs(point_.x[added] - parameter.coordinate(parameter.start));
      candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best_candidate));
      if (is_at_bound(added) || widths[added] < std::min(change, widest(added))) {
        drop_unidentified();
        continue;
      }
      // It is told, but not apart from the others.
      put(parameter, parameter.start);
      point_ = without;
      put(point_);
      spreads_ = spreads;
    }
  }

  RunFit result() {
    RunFit fit;
    // What is not fitted stays as it was written, not as it was taken for the fit.
    fit.constants = start_;
    const std::vector<double> widths = half_widths();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      FittedParameter& fitted = fit.parameters.emplace_back();
      fitted.parameter = parameters_[i];
      fitted.value = parameters_[i].start;
      fitted.verdict =
          parameters_[i].kind->is_extra ? Verdict::kNotNeeded : Verdict::kNotIdentified;
    }
    for (std::size_t c = 0; c < point_.free.size(); ++c) {
      const std::size_t number = point_.free[c];
      FittedParameter& fitted = fit.parameters[number];
      const Parameter& parameter = fitted.parameter;
      fitted.value =
          std::clamp(parameter.value(point_.x[c]), parameter.kind->least, parameter.kind->most);
      parameter.kind->put(fit.constants, parameter.index, fitted.value);
      fitted.verdict = is_at_bound(c) ? Verdict::kAtBound : Verdict::kFitted;
      if (fitted.verdict == Verdict::kFitted)
        fitted.interval = {
            .least = parameter.value(std::max(point_.x[c] - widths[c], least(number))),
            .most = parameter.value(std::min(point_.x[c] + widths[c], most(number)))};
    }
    fit.num_residuals = residuals_.quantities().size();
    return fit;
  }

  /// Coordinates, of which 1 is the whole start and log(2) a doubling.
  static constexpr std::array kMoves = {-1.386, -0.693, -0.2, 0.2, 0.693, 1.386};

  Residuals residuals_;
  Constants start_;
  Constants work_;
  std::vector<Parameter> parameters_;
  std::array<double, kNumQuantityKinds> spreads_{};
  std::vector<std::size_t> group_of_;
  Point point_;
  std::vector<std::size_t> dropped_;  ///< parameters that have an effect, but are not identified
};

}  // namespace

std::string verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFitted:
      return "fitted";
    case Verdict::kAtBound:
      return "at a bound";
    case Verdict::kNotIdentified:
      return "not identified by these runs";
    case Verdict::kNotNeeded:
      return "not needed";
  }
  return "";
}

RunFit fit_constants(const std::vector<MeasuredRun>& runs, const StartingPoint& start) {
  return Fit(runs, start).run();
}

}  // namespace cadastre::run_calibration
