package io.moetier.lab.balance;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BalanceTest {
    private static final double TOLERANCE = 1e-6;

    @TempDir
    Path directory = Path.of("");

    @Test
    void anEvenRouterHasTheLossOne() {
        LayerBalance balance = only(4, 0, 1, 2, 3);
        assertEquals(1, balance.loadBalancingLoss(), TOLERANCE);
        assertFalse(balance.fromWeights());
        assertEquals(1, balance.evenness().entropy(), TOLERANCE);
        assertEquals(0, balance.evenness().variation(), TOLERANCE);
        assertEquals(0.25, balance.evenness().hottest10(), TOLERANCE);
        assertEquals(0.25, balance.evenness().hottest25(), TOLERANCE);
        assertEquals(0.5, balance.evenness().hottest50(), TOLERANCE);
        assertEquals(0, balance.evenness().unused());
        assertEquals(0, balance.overlap().value());
        assertEquals(0.25, balance.overlap().byChance(), TOLERANCE);
    }

    @Test
    void aCollapsedRouterHasTheLossOfAllExperts() {
        LayerBalance balance = only(4, 2, 2, 2);
        assertEquals(4, balance.loadBalancingLoss(), TOLERANCE);
        assertEquals(0, balance.evenness().entropy(), TOLERANCE);
        assertEquals(Math.sqrt(3), balance.evenness().variation(), TOLERANCE);
        assertEquals(1, balance.evenness().hottest10(), TOLERANCE);
        assertEquals(3, balance.evenness().unused());
        assertEquals(1, balance.overlap().value(), TOLERANCE);
        assertEquals(1, balance.overlap().byChance(), TOLERANCE);
    }

    /// Shares of choices 3/4 and 1/4, of weights 1/2 each.
    @Test
    void weightsStandForProbabilities() {
        LayerBalance balance = only(
                2,
                List.of(
                        token(0, 0, 0, Optional.of(0.5f)),
                        token(0, 1, 0, Optional.of(0.5f)),
                        token(0, 2, 0, Optional.of(0.5f)),
                        token(0, 3, 1, Optional.of(1.5f))));
        assertTrue(balance.fromWeights());
        assertEquals(1, balance.loadBalancingLoss(), TOLERANCE);
        assertEquals(1.25, only(2, 0, 0, 0, 1).loadBalancingLoss(), TOLERANCE);
    }

    @Test
    void requestsOfTheirOwnExpertsAreToldApart() {
        LayerBalance balance = only(
                2,
                List.of(
                        token(0, 0, 0, Optional.empty()),
                        token(0, 1, 0, Optional.empty()),
                        token(1, 0, 1, Optional.empty()),
                        token(1, 1, 1, Optional.empty())));
        assertEquals(1, balance.requestBits().value(), TOLERANCE);
        assertEquals(1 / (8 * Math.log(2)), balance.requestBits().byChance(), TOLERANCE);
        assertEquals(1, balance.requestVariance().value(), TOLERANCE);
        assertEquals(1 / 3.0, balance.requestVariance().byChance(), TOLERANCE);
        assertEquals(1, balance.overlap().value(), TOLERANCE);
    }

    @Test
    void oneRequestTellsNothing() {
        LayerBalance balance = only(4, 0, 1, 2, 0);
        assertEquals(0, balance.requestBits().value(), TOLERANCE);
        assertEquals(0, balance.requestBits().byChance());
        assertEquals(0, balance.requestVariance().value(), TOLERANCE);
        assertEquals(0, balance.requestVariance().byChance());
    }

    @Test
    void reuseIsCountedInTokensAndInExperts() {
        Balance balance = Balance.of(write(3, tokens(0, 1, 1, 0, 0, 2)));
        assertEquals(2 / 6.0, balance.reuse().tokens().within(1), TOLERANCE);
        assertEquals(2 / 6.0, balance.reuse().tokens().within(2), TOLERANCE);
        assertEquals(3 / 6.0, balance.reuse().tokens().within(3), TOLERANCE);
        assertEquals(3 / 6.0, balance.reuse().tokens().first(), TOLERANCE);
        assertEquals(2 / 6.0, balance.reuse().ofLayer().within(1), TOLERANCE);
        assertEquals(3 / 6.0, balance.reuse().ofLayer().within(2), TOLERANCE);
        assertEquals(
                balance.reuse().ofLayer().within(2), balance.reuse().ofModel().within(2));
        assertEquals(0, balance.reuse().ofModel().within(0));
    }

    @Test
    void reuseBeyondTheLongestDistanceIsWithinNone() {
        int[] experts = new int[1100];
        Arrays.fill(experts, 1);
        experts[0] = 0;
        experts[1099] = 0;
        Balance balance = Balance.of(write(2, tokens(experts)));
        assertEquals(1097 / 1100.0, balance.reuse().tokens().within(1024), TOLERANCE);
        assertEquals(2 / 1100.0, balance.reuse().tokens().first(), TOLERANCE);
    }

    /// A second opinion: a list of the slots, ordered by last use.
    @Test
    void reuseWithinExpertsIsTheHitRateOfAnLru() {
        Path file = TestData.trace("gpt-oss-20b_misc_small");
        Balance balance = Balance.of(file);
        for (int slots : new int[] {8, 96, 192, 384}) {
            assertEquals(
                    lruHitRate(RoutingTrace.read(file), slots),
                    balance.reuse().ofModel().within(slots),
                    TOLERANCE);
        }
        assertEquals(24, balance.layers().size());
        assertEquals(1461, balance.length().decodeTokens());
        assertEquals(0, balance.length().prefillTokens());
        assertTrue(balance.overall().fromWeights());
        assertTrue(balance.overall().loadBalancingLoss() > 1);
        assertTrue(balance.overall().overlap().value()
                > balance.overall().overlap().byChance());
    }

    @Test
    void layersThatWereNotRecordedAreLeftOut() {
        int[][] nothing = {{}};
        Path file = write(2, List.of(new TraceToken(0, 0, Phase.PREFILL, nothing, Optional.empty(), Optional.empty())));
        assertEquals(
                file + ": e: expected experts in at least one line, found none",
                assertThrows(MalformedModelException.class, () -> Balance.of(file))
                        .getMessage());
    }

    private static double lruHitRate(RoutingTrace trace, int slots) {
        Set<Integer> resident = new LinkedHashSet<>();
        long hits = 0;
        long accesses = 0;
        for (TraceToken token : trace.tokens()) {
            for (int layer = 0; layer < token.experts().length; layer++) {
                for (int expert : token.experts()[layer]) {
                    int id = layer << 16 | expert;
                    accesses++;
                    hits += resident.remove(id) ? 1 : 0;
                    if (resident.size() == slots) {
                        resident.remove(resident.iterator().next());
                    }
                    resident.add(id);
                }
            }
        }
        return (double) hits / accesses;
    }

    private LayerBalance only(int numExperts, int... chosen) {
        return only(numExperts, tokens(chosen));
    }

    private LayerBalance only(int numExperts, List<TraceToken> tokens) {
        Balance balance = Balance.of(write(numExperts, tokens));
        LayerBalance layer = requireNonNull(balance.layers().get(5));
        assertEquals(layer, balance.overall());
        return layer;
    }

    private Path write(int numExperts, List<TraceToken> tokens) {
        Path file = directory.resolve("t.jsonl.gz");
        try (TraceRecorder recorder = new TraceRecorder(file, TraceHeader.of("m", numExperts, 1, List.of(5), ""))) {
            tokens.forEach(recorder::record);
            recorder.finish();
        }
        return file;
    }

    private static List<TraceToken> tokens(int... chosen) {
        List<TraceToken> tokens = new ArrayList<>();
        for (int i = 0; i < chosen.length; i++) {
            tokens.add(token(0, i, chosen[i], Optional.empty()));
        }
        return tokens;
    }

    private static TraceToken token(int request, int position, int expert, Optional<Float> weight) {
        return new TraceToken(
                request,
                position,
                Phase.DECODE,
                new int[][] {{expert}},
                weight.map(value -> new float[][] {{value}}),
                Optional.empty());
    }
}
