#pragma once

namespace crucible {

/// P(T > t) for Student's t with `degrees` > 0 of freedom; `degrees` need not be whole.
double student_upper_tail(double t, double degrees);

/// The t ≥ 0 with P(|T| > t) = `alpha`, 0 < alpha < 1. Relative error below 1e-9.
double student_two_sided(double alpha, double degrees);

/// P(F > f) for Fisher's F with `numerator` and `denominator` degrees of freedom.
double fisher_upper_tail(double f, double numerator, double denominator);

}  // namespace crucible
