package io.moetier.storage.cache;

import java.util.function.DoubleUnaryOperator;

/// A function of one variable as a table with straight lines between its entries; outside its range it is
/// constant.
///
/// It is cheaper than the exponential functions, and unlike theirs its results cannot depend on how the code
/// that asks has been compiled. Immutable.
final class FunctionTable {
    private final float from;
    private final float stepsPerUnit;
    private final float last;
    private final float[] values;

    /// `function` should use [StrictMath].
    FunctionTable(double from, double to, int numSteps, DoubleUnaryOperator function) {
        this.from = (float) from;
        stepsPerUnit = (float) (numSteps / (to - from));
        last = numSteps;
        values = new float[numSteps + 2]; // one more, so that the last entry has a next one
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) function.applyAsDouble(from + Math.min(i, numSteps) * (to - from) / numSteps);
        }
    }

    float at(float x) {
        float position = Math.min(Math.max((x - from) * stepsPerUnit, 0), last);
        int i = (int) position;
        return values[i] + (position - i) * (values[i + 1] - values[i]);
    }
}
