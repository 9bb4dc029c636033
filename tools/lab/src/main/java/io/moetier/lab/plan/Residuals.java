package io.moetier.lab.plan;

/// How far predictions were from measurements, by part: relative errors as one standard deviation.
///
/// @param resident of what a token takes with all of its experts in memory
/// @param loads of what it takes longer for missing ones
/// @param prompt of what a prompt takes
record Residuals(double resident, double loads, double prompt) {
    /// Of a machine that doctor has measured: docs/measurements/plan.md has the table.
    static final Residuals MEASURED = new Residuals(0.3, 0.35, 0.5);

    /// Of a machine that is known from published figures: nothing was measured there.
    static final Residuals PUBLISHED = new Residuals(0.35, 0.35, 0.6);
}
