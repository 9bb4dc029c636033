package io.moetier.lab.plan;

/// How far predictions may be from measurements, by part: relative errors as one standard deviation. Those of
/// [#MEASURED] follow from what was compared on one machine (docs/measurements/plan.md). Those of [#OF_SPEEDS] are
/// guesses: nothing was compared with them.
///
/// @param resident of what a token takes with all of its experts in memory
/// @param loads of what it takes longer for missing ones
/// @param prompt of what a prompt takes
record Residuals(double resident, double loads, double prompt) {
    /// Of a machine that doctor has measured.
    static final Residuals MEASURED = new Residuals(0.25, 0.25, 0.2);

    /// Of a machine of which speeds of memory, link and disk alone are known, measured or published.
    static final Residuals OF_SPEEDS = new Residuals(0.35, 0.35, 0.6);
}
