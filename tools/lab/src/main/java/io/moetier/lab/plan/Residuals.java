package io.moetier.lab.plan;

/// How far predictions may be from measurements, by part: relative errors as one standard deviation. They are guesses:
/// nine runs of one evening on one machine, which were no trial, suggest the first two of [#MEASURED]
/// (docs/measurements/plan.md), and nothing was compared with the others.
///
/// @param resident of what a token takes with all of its experts in memory
/// @param loads of what it takes longer for missing ones
/// @param prompt of what a prompt takes
record Residuals(double resident, double loads, double prompt) {
    /// Of a machine that doctor has measured.
    static final Residuals MEASURED = new Residuals(0.3, 0.35, 0.5);

    /// Of a machine of which speeds of memory, link and disk alone are known, measured or published.
    static final Residuals OF_SPEEDS = new Residuals(0.35, 0.35, 0.6);
}
