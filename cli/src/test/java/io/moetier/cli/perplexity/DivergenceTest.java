package io.moetier.cli.perplexity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.report.Table;
import org.junit.jupiter.api.Test;

class DivergenceTest {
    private static final double HALF = Math.log(0.5);

    @Test
    void predictionsThatAgreeAreNotLessThanNothingApart() {
        float rounded = (float) HALF;
        assertTrue(rounded < HALF, "rounded down");
        Divergence divergence = new Divergence();
        divergence.add(new double[] {HALF, HALF}, new float[] {rounded, rounded}, 0, 0);
        assertEquals(0.0, divergence.mean().value());
        Table table = Table.ofFacts();
        divergence.addTo(table);
        assertEquals(-1, table.toString().indexOf("-0.0"), table::toString);
    }

    /// The reference is kept in float32, where its two best are one.
    @Test
    void aModelHasTheTopTokenOfItself() {
        double[] logProbs = {HALF, HALF + 1e-12};
        Divergence divergence = new Divergence();
        divergence.add(logProbs, new float[] {(float) logProbs[0], (float) logProbs[1]}, 0, 0);
        assertEquals(1.0, divergence.fields().get("same_top"));
    }
}
